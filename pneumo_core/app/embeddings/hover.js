// The picture of the X-ray under the pointer, beside it. Pictures are tiles of one sheet.

export default function ({ data }) {
  const box = document.createElement("div");
  box.className = "hovered";
  box.hidden = true;
  document.body.append(box); // above the plot, wherever that is on the page
  // Not in a style sheet: those of a component do not reach outside it.
  box.style.cssText = "position: fixed; z-index: 1000; pointer-events: none; border-radius: 4px;"
    + "background-color: #000; box-shadow: 0 2px 12px rgba(0, 0, 0, 0.4)";
  const find = () => document.querySelector(`.st-key-${data.chart} .js-plotly-plot`);
  let plot = null;
  const show = ({ points, event }) => {
    const row = [points[0]?.customdata].flat()[0];
    const tile = data.rows ? data.rows.indexOf(row) : row;
    if (row === undefined || row === null || tile < 0 || tile >= data.count) return hide();
    const x = -(tile % data.columns) * data.side, y = -Math.floor(tile / data.columns) * data.side;
    const size = 2 * data.side;
    box.style.backgroundImage = `url("${data.sheet}")`;
    box.style.backgroundSize = `${2 * data.columns * data.side}px auto`;
    box.style.backgroundPosition = `${2 * x}px ${2 * y}px`;
    box.style.width = box.style.height = `${size}px`;
    const right = event.clientX + 24 + size < window.innerWidth;
    box.style.left = `${event.clientX + (right ? 24 : -24 - size)}px`;
    box.style.top = `${Math.min(Math.max(8, event.clientY - size - 24), window.innerHeight - size - 8)}px`;
    box.hidden = false;
  };
  const hide = () => { box.hidden = true; };
  const listen = () => {
    const found = find();
    if (found === plot || !found?.on) return;
    plot = found;
    plot.on("plotly_hover", show);
    plot.on("plotly_unhover", hide);
  };
  const again = setInterval(listen, 500); // the plot may be drawn later, or anew
  listen();
  return () => {
    clearInterval(again);
    plot?.removeListener?.("plotly_hover", show);
    plot?.removeListener?.("plotly_unhover", hide);
    box.remove();
  };
}
