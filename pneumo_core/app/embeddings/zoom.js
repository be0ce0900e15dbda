// Tells which part of a plot is looked at; Plotly says so once the wheel or the mouse rests.

export default function ({ data, setTriggerValue }) {
  const find = () => document.querySelector(`.st-key-${data.chart} .js-plotly-plot`);
  let plot = null;
  const moved = (change) => {
    if (!Object.keys(change).some((name) => /^[xy]axis/.test(name))) return;
    const { xaxis, yaxis } = plot._fullLayout;
    setTriggerValue("view", [...xaxis.range, ...yaxis.range]);
  };
  const listen = () => {
    const found = find();
    if (found === plot || !found?.on) return;
    plot = found;
    plot.on("plotly_relayout", moved);
  };
  const again = setInterval(listen, 500); // the plot may be drawn later, or anew
  listen();
  return () => {
    clearInterval(again);
    plot?.removeListener?.("plotly_relayout", moved);
  };
}
