// One entry of the browser's history for each page: Streamlit adds one whenever a query parameter
// changes, so that going back would take a press for each.

export default function () {
  const { history, location } = window;
  if (history.pneumoPages) return;
  history.pneumoPages = true;
  const push = history.pushState.bind(history);
  history.pushState = (state, title, url) => {
    const same = url && new URL(url, location.href).pathname === location.pathname;
    return same ? history.replaceState(state, title, url) : push(state, title, url);
  };
}
