// An X-ray under its heat map. What it draws is in `data`; it sends nothing back.
// Distances on the screen are in CSS pixels from the middle of the stage; `x`, `y` move the image.

const MOST = 16; // screen pixels per image pixel
const LENS = 2.5; // magnification of the lens
const PIN = 14; // radius of a mark in screen pixels; a click within removes it
const TOOLS = ["pan", "window", "ruler", "lens", "pin"];
const KEYS = {
  "+": "in", "=": "in", "-": "out", 0: "fit", 1: "full", p: "pan", w: "window", d: "ruler", m: "lens", k: "pin",
  r: "rotate", h: "flip", i: "invert", l: "lungs", f: "screen", "?": "help",
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Viewers of one page move together; a set of the window's, as each of them may load this script.
const linked = (window.pneumoViewers ??= new Set());
const SHARED = ["zoom", "x", "y", "turn", "flip", "inverted", "level", "width"];

let unsaved = false; // uploads live in the session's memory: a reload would lose them
window.addEventListener("beforeunload", (event) => unsaved && event.preventDefault());

// Streamlit ignores its shortcuts while a toggle or a closed list has the focus, as after a click on it:
// send them again from the body. Other keys with Alt stay the element's own.
const DEAF = "input[type=checkbox], input[type=radio], input[role=combobox][aria-expanded=false]";

function resend(event) {
  const shortcut = event.altKey ? /^(Digit[1-5]|KeyA)$/.test(event.code) : event.shiftKey && event.key in ARROWS;
  if (!shortcut || !event.target.matches?.(DEAF)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  document.body.dispatchEvent(new KeyboardEvent(event.type, event));
}

if (!window.pneumoShortcuts) {
  window.pneumoShortcuts = true;
  document.addEventListener("keydown", resend, true);
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".viewer");
  const viewer = (root.viewer ??= new Viewer(root));
  viewer.send = (points) => setStateValue("marks", { id: data.id, points });
  viewer.show(data);
  return () => viewer.stop();
}

class Viewer {
  constructor(root) {
    this.root = root;
    for (const name of ["stage", "layers", "film", "heat", "lines", "rule", "pins", "lens", "told", "probe", "help"])
      this[name] = root.querySelector(`.${name}`);
    this.pointers = new Map();
    for (const button of root.querySelectorAll("[data-do]"))
      button.onclick = () => this.command(button.dataset.do);
    const on = (name, handler, options) => this.stage.addEventListener(name, handler, options);
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.move(event));
    on("pointerleave", () => this.hover(null));
    for (const end of ["pointerup", "pointercancel"]) on(end, (event) => this.pointers.delete(event.pointerId));
    on("wheel", (event) => this.wheel(event), { passive: false });
    on("dblclick", (event) => this.zoomTo(this.zoom > 1 ? 1 : 1 / this.fit, event));
    on("keydown", (event) => this.key(event));
    this.resized = new ResizeObserver(() => this.place());
    this.resized.observe(this.stage);
    this.choose("pan");
    this.reset();
  }

  stop() {
    unsaved = false;
    linked.delete(this);
    this.resized.disconnect();
    this.pointers.clear();
  }

  show(data) {
    unsaved = data.unsaved;
    this.resized.observe(this.stage);
    linked.add(this);
    if (data.id !== this.data?.id) this.reset();
    this.marks = data.marks;
    const pin = this.root.querySelector('[data-do="pin"]');
    pin.hidden = !data.marking;
    if (!data.marking && this.tool === "pin") this.choose("pan");
    if (data.film !== this.data?.film) this.pixels = null;
    this.data = data;
    this.stage.style.setProperty("--shape", data.width / data.height);
    this.stage.setAttribute("aria-label", data.label);
    for (const layers of [this.layers, this.lens.firstElementChild]) {
      layers.style.width = `${data.width}px`;
      layers.style.height = `${data.height}px`;
    }
    for (const drawing of [this.rule, this.pins])
      drawing.setAttribute("viewBox", `0 0 ${data.width} ${data.height}`);
    picture(this.film, data.film);
    picture(this.lens.querySelector("img"), data.film);
    this.film.alt = data.alt;
    this.heat.hidden = !data.heat;
    if (data.heat) picture(this.heat, data.heat);
    this.heat.style.opacity = data.opacity;
    this.drawLines();
    this.tone();
    this.place();
  }

  // Layout

  reset() {
    Object.assign(this, { zoom: 1, x: 0, y: 0, turn: 0, flip: false, inverted: false });
    Object.assign(this, { level: 0.5, width: 1, ruled: null });
    this.tone();
    this.place();
  }

  place() {
    const { clientWidth, clientHeight } = this.stage;
    if (!this.data || !clientWidth) return;
    const [wide, high] = this.turn % 2 ? [this.data.height, this.data.width] : [this.data.width, this.data.height];
    this.fit = Math.min(clientWidth / wide, clientHeight / high);
    this.scale = this.fit * this.zoom;
    const room = (inside, outside) => Math.max(0, (inside * this.scale - outside) / 2);
    const within = (value, most) => Math.max(-most, Math.min(most, value));
    this.x = within(this.x, room(wide, clientWidth));
    this.y = within(this.y, room(high, clientHeight));
    this.layers.style.transform = this.transform(this.x, this.y, this.scale);
    this.layers.style.setProperty("--px", `${1 / this.scale}px`);
    this.layers.classList.toggle("magnified", this.scale > 6);
    this.stage.classList.toggle("zoomed", this.zoom > 1);
    this.told.textContent = `${Math.round(100 * this.scale)} %`;
    this.drawRule();
    this.drawPins();
    this.share();
  }

  // Have the other viewers show the same place in the same way.
  share() {
    if (this.following) return;
    for (const other of linked) {
      if (other === this || !other.data) continue;
      other.following = true;
      for (const name of SHARED) other[name] = this[name];
      other.tone();
      other.place();
      other.following = false;
    }
  }

  transform(x, y, scale) {
    return `translate(-50%, -50%) translate(${x}px, ${y}px) rotate(${90 * this.turn}deg) `
      + `scale(${this.flip ? -scale : scale}, ${scale})`;
  }

  // Where an event lies: from the middle of the stage, and in image pixels.
  at(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  }

  pixelAt(event) {
    let [x, y] = this.at(event);
    [x, y] = [(x - this.x) / this.scale, (y - this.y) / this.scale];
    for (let turn = 0; turn < this.turn; turn++) [x, y] = [y, -x];
    return [(this.flip ? -x : x) + this.data.width / 2, y + this.data.height / 2];
  }

  zoomTo(zoom, event) {
    const before = this.zoom;
    this.zoom = Math.max(1, Math.min(Math.max(1, MOST / this.fit), zoom));
    const [dx, dy] = event ? this.at(event) : [0, 0];
    const grown = this.zoom / before;
    this.x = dx - (dx - this.x) * grown; // what lies under the pointer stays there
    this.y = dy - (dy - this.y) * grown;
    this.place();
  }

  // Grey values: level and width as shares of the range that was sent

  tone() {
    const invert = Boolean(this.data?.invert) !== this.inverted;
    const filter = `invert(${invert ? 1 : 0}) brightness(${round(1 / (2 * this.level))}) `
      + `contrast(${round((2 * this.level) / this.width)})`;
    for (const image of [this.film, this.lens.querySelector("img")]) image.style.filter = filter;
    this.root.querySelector('[data-do="invert"]').setAttribute("aria-pressed", this.inverted);
  }

  windowBy(dx, dy) {
    this.width = Math.max(0.02, Math.min(4, this.width * Math.exp(dx / 200)));
    this.level = Math.max(0.02, Math.min(2, this.level + dy / 400));
    this.tone();
    this.share();
    this.probe.textContent = `Level ${percent(this.level)}, width ${percent(this.width)}`;
  }

  // Tools and commands

  choose(tool) {
    this.tool = tool;
    this.stage.dataset.tool = tool;
    for (const each of TOOLS)
      this.root.querySelector(`[data-do="${each}"]`).setAttribute("aria-pressed", each === tool);
    this.lens.hidden = true;
  }

  command(name) {
    if (TOOLS.includes(name)) this.choose(this.tool === name ? "pan" : name);
    if (name === "in") this.zoomTo(this.zoom * 1.5);
    if (name === "out") this.zoomTo(this.zoom / 1.5);
    if (name === "full") this.zoomTo(1 / this.fit);
    if (name === "fit") this.reset();
    if (name === "rotate") this.turn = (this.turn + 1) % 4;
    if (name === "flip") this.flip = !this.flip;
    if (name === "invert") this.inverted = !this.inverted;
    if (name === "lungs") this.outlined = !this.outlined;
    if (name === "help") this.help.hidden = !this.help.hidden;
    if (name === "screen")
      document.fullscreenElement ? document.exitFullscreen() : this.root.requestFullscreen?.();
    this.tone();
    this.drawLines();
    this.place();
  }

  press(event) {
    if (event.button || event.target.closest("button")) return;
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (this.tool === "ruler") this.ruled = [this.pixelAt(event), this.pixelAt(event)];
    if (this.tool === "pin") this.pin(this.pixelAt(event));
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    this.hover(event);
    if (!before) return;
    const others = [...this.pointers.values()].filter((each) => each.pointerId !== event.pointerId);
    this.pointers.set(event.pointerId, event);
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (others.length) {
      const apart = (each) => Math.hypot(each.clientX - others[0].clientX, each.clientY - others[0].clientY);
      this.zoomTo((this.zoom * apart(event)) / Math.max(1, apart(before)), event);
    } else if (this.tool === "window") this.windowBy(dx, dy);
    else if (this.tool === "ruler") {
      this.ruled[1] = this.pixelAt(event);
      this.drawRule();
    } else if (this.tool !== "pin") {
      this.x += dx;
      this.y += dy;
      this.place();
    }
  }

  wheel(event) {
    const wanted = event.ctrlKey || this.stage.matches(":focus") || document.fullscreenElement; // else the page scrolls
    if (!wanted) return;
    event.preventDefault();
    this.zoomTo(this.zoom * Math.exp(-event.deltaY / 400), event);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const name = KEYS[event.key.length > 1 ? event.key : event.key.toLowerCase()];
    const step = event.shiftKey ? undefined : ARROWS[event.key];
    if (name) this.command(name);
    else if (event.key === "Enter" && this.tool === "pin") this.pin(this.middle());
    else if (event.key === "Escape" && !this.help.hidden) this.command("help");
    else if (step && this.tool === "window") this.windowBy(10 * step[0], 10 * step[1]);
    else if (step && this.zoom > 1) {
      this.x -= 60 * step[0];
      this.y -= 60 * step[1];
      this.place();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Marks of a reader, as shares of width and height

  middle() {
    const box = this.stage.getBoundingClientRect();
    return this.pixelAt({ clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 });
  }

  pin([x, y]) {
    const { width, height } = this.data;
    if (x < 0 || y < 0 || x > width || y > height) return;
    const near = ([left, top]) => Math.hypot(left * width - x, top * height - y) * this.scale < PIN;
    const others = this.marks.filter((mark) => !near(mark));
    this.marks = others.length < this.marks.length ? others : [...this.marks, [x / width, y / height]];
    this.drawPins();
    this.send(this.marks);
  }

  drawPins() {
    if (!this.data) return;
    const { width, height } = this.data;
    this.pins.replaceChildren(...(this.marks ?? []).flatMap(([x, y]) => {
      const [left, top, radius] = [x * width, y * height, PIN / this.scale];
      return strokes(`M${left - radius},${top}a${radius},${radius} 0 1 0 ${2 * radius},0`
        + `a${radius},${radius} 0 1 0 ${-2 * radius},0`, "ruler");
    }));
  }

  // What lies under the pointer

  hover(event) {
    this.lens.hidden = !event || this.tool !== "lens";
    if (!event || !this.data || this.pointers.size) return;
    const [column, row] = this.pixelAt(event).map(Math.floor);
    const inside = column >= 0 && row >= 0 && column < this.data.width && row < this.data.height;
    this.probe.textContent = inside ? this.describe(column, row) : "";
    if (this.lens.hidden) return;
    const [x, y] = this.at(event);
    this.lens.style.transform = `translate(-50%, -50%) translate(${x}px, ${y}px)`;
    this.lens.firstElementChild.style.transform =
      this.transform(LENS * (this.x - x), LENS * (this.y - y), LENS * this.scale);
  }

  describe(column, row) {
    const { heat_grid: grid, width, height } = this.data;
    let text = `x ${column}, y ${row}, grey ${this.greyAt(column, row)}`;
    if (grid) {
      const cell = Math.floor((row / height) * grid.height) * grid.width + Math.floor((column / width) * grid.width);
      text += `, heat ${(grid.values[cell] / 255).toFixed(2)}`;
    }
    return text;
  }

  greyAt(column, row) {
    if (!this.pixels && this.film.complete && this.film.naturalWidth) {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [this.film.naturalWidth, this.film.naturalHeight];
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(this.film, 0, 0);
      this.pixels = context;
    }
    return this.pixels ? this.pixels.getImageData(column, row, 1, 1).data[0] : "–";
  }

  drawLines() {
    const lungs = this.outlined ? this.data?.lungs ?? [] : [];
    const lines = [...(this.data?.lines ?? []), ...lungs];
    this.lines.replaceChildren(...lines.flatMap(({ path, level }) => strokes(path, level)));
    const button = this.root.querySelector('[data-do="lungs"]');
    button.setAttribute("aria-pressed", Boolean(this.outlined));
    button.disabled = !this.data?.lungs.length;
    button.title = button.disabled ? "No lungs were found in this image" : "Outline the lungs (L)";
  }

  drawRule() {
    this.rule.replaceChildren();
    if (!this.ruled || !this.data) return;
    const [[x0, y0], [x1, y1]] = this.ruled;
    this.rule.append(...strokes(`M${x0},${y0}L${x1},${y1}`, "ruler"));
    const [down, across] = this.data.spacing ?? [1, 1];
    const length = Math.hypot((x1 - x0) * across, (y1 - y0) * down);
    this.probe.textContent = this.data.spacing
      ? `${length.toFixed(1)} mm by the file’s pixel size`
      : `${Math.round(length)} pixels (the file gives no pixel size)`;
  }
}

const round = (value) => Math.round(value * 1e4) / 1e4;
const percent = (value) => `${Math.round(100 * value)} %`;

function picture(image, address) {
  if (image.dataset.address === address) return;
  image.dataset.address = address;
  image.src = address;
}

function strokes(path, level) {
  return ["under", "over"].map((kind) => {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", path);
    line.setAttribute("class", `${kind} ${level}`);
    return line;
  });
}
