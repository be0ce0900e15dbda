// An X-ray under its heat map, with zoom and pan. Everything it draws is in `data`; it sends nothing back.

const MOST = 16; // screen pixels per image pixel

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".viewer");
  const viewer = (root.viewer ??= new Viewer(root));
  viewer.show(data);
  return () => viewer.stop();
}

class Viewer {
  constructor(root) {
    const find = (name) => root.querySelector(name);
    this.stage = find(".stage");
    this.layers = find(".layers");
    this.film = find(".film");
    this.heat = find(".heat");
    this.lines = find(".lines");
    this.told = find(".told");
    this.pointers = new Map();
    for (const button of root.querySelectorAll("[data-do]"))
      button.onclick = () => this.command(button.dataset.do);
    const on = (name, handler, options) => this.stage.addEventListener(name, handler, options);
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) on(end, (event) => this.pointers.delete(event.pointerId));
    on("wheel", (event) => this.wheel(event), { passive: false });
    on("dblclick", (event) => this.zoomTo(this.zoom > 1 ? 1 : 1 / this.fit, event));
    on("keydown", (event) => this.key(event));
    this.resized = new ResizeObserver(() => this.place());
    this.resized.observe(this.stage);
    this.reset();
  }

  stop() {
    this.resized.disconnect();
    this.pointers.clear();
  }

  show(data) {
    this.resized.observe(this.stage);
    if (data.id !== this.id) this.reset();
    Object.assign(this, { id: data.id, width: data.width, height: data.height });
    this.stage.style.setProperty("--shape", data.width / data.height);
    this.stage.setAttribute("aria-label", data.label);
    this.layers.style.width = `${data.width}px`;
    this.layers.style.height = `${data.height}px`;
    this.picture(this.film, data.film);
    this.film.alt = data.alt;
    const { brightness, contrast, invert } = data.tone;
    this.film.style.filter =
      `invert(${invert ? 1 : 0}) brightness(${brightness}) contrast(${contrast})`;
    this.heat.hidden = !data.heat;
    if (data.heat) this.picture(this.heat, data.heat);
    this.heat.style.opacity = data.opacity;
    this.lines.replaceChildren(...data.lines.flatMap(({ path, level }) => strokes(path, level)));
    this.place();
  }

  picture(image, address) {
    if (image.dataset.address === address) return;
    image.dataset.address = address;
    image.src = address;
  }

  reset() {
    Object.assign(this, { zoom: 1, x: 0, y: 0 }); // zoom 1 fits; x, y: how far its middle is moved
    this.place();
  }

  place() {
    const { clientWidth, clientHeight } = this.stage;
    if (!this.width || !clientWidth) return;
    this.fit = Math.min(clientWidth / this.width, clientHeight / this.height);
    const scale = this.fit * this.zoom;
    const room = (inside, outside) => Math.max(0, (inside * scale - outside) / 2);
    const within = (value, most) => Math.max(-most, Math.min(most, value));
    this.x = within(this.x, room(this.width, clientWidth));
    this.y = within(this.y, room(this.height, clientHeight));
    this.layers.style.transform =
      `translate(-50%, -50%) translate(${this.x}px, ${this.y}px) scale(${scale})`;
    this.layers.style.setProperty("--px", `${1 / scale}px`);
    this.layers.classList.toggle("magnified", scale > 6);
    this.stage.classList.toggle("zoomed", this.zoom > 1);
    this.told.textContent = `${Math.round(100 * scale)} %`;
  }

  zoomTo(zoom, at) {
    const box = this.stage.getBoundingClientRect();
    const before = this.zoom;
    this.zoom = Math.max(1, Math.min(Math.max(1, MOST / this.fit), zoom));
    const dx = at ? at.clientX - box.left - box.width / 2 : 0;
    const dy = at ? at.clientY - box.top - box.height / 2 : 0;
    const grown = this.zoom / before;
    this.x = dx - (dx - this.x) * grown; // what lies under the pointer stays there
    this.y = dy - (dy - this.y) * grown;
    this.place();
  }

  command(name) {
    if (name === "in") this.zoomTo(this.zoom * 1.5);
    if (name === "out") this.zoomTo(this.zoom / 1.5);
    if (name === "fit") this.reset();
    if (name === "full") this.zoomTo(1 / this.fit);
  }

  press(event) {
    if (event.button) return;
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const others = [...this.pointers.values()].filter((each) => each.pointerId !== event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (others.length) {
      const apart = (each) => Math.hypot(each.clientX - others[0].clientX, each.clientY - others[0].clientY);
      this.zoomTo((this.zoom * apart(event)) / Math.max(1, apart(before)), event);
      return;
    }
    this.x += event.clientX - before.clientX;
    this.y += event.clientY - before.clientY;
    this.place();
  }

  wheel(event) {
    const wanted = event.ctrlKey || this.stage.matches(":focus"); // else the page scrolls
    if (!wanted) return;
    event.preventDefault();
    this.zoomTo(this.zoom * Math.exp(-event.deltaY / 400), event);
  }

  key(event) {
    const steps = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    const names = { "+": "in", "=": "in", "-": "out", 0: "fit", 1: "full" };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in names) this.command(names[event.key]);
    else if (event.key in steps && this.zoom > 1 && !event.shiftKey) {
      this.x += steps[event.key][0];
      this.y += steps[event.key][1];
      this.place();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function strokes(path, level) {
  return ["under", "over"].map((kind) => {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", path);
    line.setAttribute("class", `${kind} ${level}`);
    return line;
  });
}
