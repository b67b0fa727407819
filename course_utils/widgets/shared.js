// What the explorers share: controls bound to traits, crisp canvases, one clock, sound without clicks.
// Python puts this file in front of each explorer's own.

// Okabe and Ito's colours; on a dark page blue and vermillion give way to sky and orange.
const LIGHT = { blue: "#0072B2", red: "#D55E00" };
const DARK = { blue: "#56B4E9", red: "#E69F00" };
const NUMBERS = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const hertz = (value) => `${NUMBERS.format(value)} Hz`;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// One path through y(x) for x from `left` to `right`, in CSS pixels.
function curve(pen, left, right, y, step = 1) {
  pen.beginPath();
  for (let x = left; x < right; x += step) pen.lineTo(x, y(x));
  pen.lineTo(right, y(right));
  pen.stroke();
}

function line(pen, x1, y1, x2, y2) {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}

function dot(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}

function createExplorer({ model, el }, name, title) {
  const root = make("section", {
    class: "course-explorer", "data-explorer": name, "aria-label": title,
    "data-frames": "0", "data-frame-ms": "0", "data-sound": "off",
  });
  root.append(make("h4", { class: "course-title" }, title));
  el.append(root);

  const closing = new AbortController();
  const listen = (target, type, handler) =>
    target.addEventListener(type, handler, { signal: closing.signal });
  // JupyterLab takes arrows and letters for its own commands, unless the focused element says no.
  listen(root, "focusin", (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true"));
  const watched = [];
  const watch = (trait, handler) => {
    model.on(`change:${trait}`, handler);
    watched.push([`change:${trait}`, handler]);
  };

  // The picture follows at once; Python hears at most about twelve times a second.
  let saving = 0;
  const unsaved = new Map();
  const save = () => {
    clearTimeout(saving);
    saving = 0;
    unsaved.clear();
    model.save_changes();
  };
  const set = (trait, value) => {
    unsaved.set(trait, value);
    model.set(trait, value);
    saving ||= setTimeout(save, 80);
  };
  // Python echoes what it hears; an echo of an older value must not undo a newer one.
  const keep = () => {
    for (const [trait, value] of unsaved) {
      if (model.get(trait) !== value) model.set(trait, value);
    }
  };
  model.on("change", keep);
  watched.push(["change", keep]);

  const row = (className) => root.appendChild(make("div", { class: className }));

  function button(parent, action, text, handler) {
    const node = parent.appendChild(make("button", { type: "button", "data-action": action }, text));
    listen(node, "click", handler);
    return node;
  }

  function slider(parent, { trait, label, text, step, toPosition = (v) => v, toValue = (p) => p }) {
    const [low, high] = model.get("_limits")[trait];
    const shown = make("span", { class: "course-value", "aria-hidden": "true" });
    const input = make("input", {
      type: "range", min: Math.min(toPosition(low), toPosition(high)),
      max: Math.max(toPosition(low), toPosition(high)), step, "aria-label": label, "data-trait": trait,
    });
    const show = () => {
      const value = model.get(trait);
      input.value = toPosition(value);
      const share = (toPosition(value) - input.min) / (input.max - input.min);
      input.style.setProperty("--share", `${100 * share}%`);
      input.setAttribute("aria-valuetext", text(value));
      shown.textContent = text(value);
    };
    listen(input, "input", () => set(trait, clamp(toValue(Number(input.value)), low, high)));
    watch(trait, show);
    parent.append(make("label", { class: "course-slider" }, make("span", {}, label), shown, input));
    show();
    return input;
  }

  function checkbox(parent, trait, label) {
    const input = make("input", { type: "checkbox", "data-trait": trait });
    const show = () => { input.checked = model.get(trait); };
    listen(input, "change", () => set(trait, input.checked));
    watch(trait, show);
    parent.append(make("label", { class: "course-check" }, input, label));
    show();
  }

  // `options` are pairs of a value and its text.
  function select(parent, { trait, label, options }) {
    const input = make("select", { "data-trait": trait, "aria-label": label },
      ...options.map(([value, text]) => make("option", { value }, text)));
    const show = () => { input.value = model.get(trait); };
    listen(input, "change", () => set(trait, input.value));
    watch(trait, show);
    parent.append(make("label", { class: "course-check" }, make("span", {}, label), input));
    show();
    return input;
  }

  // A row of figures that follows every change silently.
  function figures() {
    const parent = row("course-figures");
    const cells = new Map();
    return (entries) => {
      for (const [label, text] of entries) {
        if (!cells.has(label)) {
          const value = make("span", { class: "course-value" });
          parent.append(make("div", {}, make("span", {}, label), value));
          cells.set(label, value);
        }
        if (cells.get(label).textContent !== text) cells.get(label).textContent = text;
      }
    };
  }

  // One sentence about the state, for everyone and for screen readers: only once the state rests.
  let [telling, latest] = [0, ""];
  const status = make("p", { class: "course-status", role: "status" });
  const tell = (text) => {
    if (text === latest) return;
    clearTimeout(telling);
    telling = setTimeout(() => { status.textContent = text; }, latest ? 500 : 0);
    latest = text;
  };

  function canvas(parent, className, height, label) {
    const node = make("canvas", { class: `course-canvas ${className}`, role: "img", "aria-label": label });
    const surface = { node, width: 0, height };
    surface.begin = () => {
      const density = window.devicePixelRatio || 1;
      const [wide, high] = [Math.round(surface.width * density), Math.round(surface.height * density)];
      if (node.width !== wide || node.height !== high) {
        node.width = wide;
        node.height = high;
        node.style.height = `${surface.height}px`;
      }
      const pen = node.getContext("2d");
      pen.setTransform(density, 0, 0, density, 0, 0);
      pen.clearRect(0, 0, surface.width, surface.height);
      pen.lineJoin = "round";
      pen.font = `12px ${style.fontFamily}`;
      return pen;
    };
    node.style.height = `${height}px`;
    parent.append(node);
    const resized = new ResizeObserver(() => {
      surface.width = node.clientWidth;
      redraw();
    });
    resized.observe(node);
    closing.signal.addEventListener("abort", () => resized.disconnect());
    return surface;
  }

  function drag(node, handler) {
    const move = (event) => {
      const box = node.getBoundingClientRect();
      handler(event.clientX - box.left, event.clientY - box.top, event);
    };
    listen(node, "pointerdown", (event) => {
      node.setPointerCapture(event.pointerId);
      move(event);
    });
    listen(node, "pointermove", (event) => {
      if (node.hasPointerCapture(event.pointerId)) move(event);
    });
  }

  // Ink is whatever the page's text colour is now, so that any theme is readable.
  const style = getComputedStyle(root);
  const colours = { ink: "", ...LIGHT };
  function readColours() {
    if (colours.ink === style.color) return;
    const [red, green, blue] = style.color.match(/[\d.]+/g).map(Number);
    const dark = 0.3 * red + 0.6 * green + 0.1 * blue > 128;
    Object.assign(colours, dark ? DARK : LIGHT, { ink: style.color });
    root.dataset.tone = dark ? "dark" : "light";
  }
  // The style sheet gives `color` a short transition: its end tells of any change of theme.
  listen(root, "transitionend", (event) => { if (event.target === root) redraw(); });

  let [request, before, frames, average] = [0, 0, 0, 0];
  let [playing, onScreen] = [false, true];
  const scene = { draw() {}, advance() {}, leave() {} };
  function frame(now) {
    request = 0;
    const begin = performance.now();
    // A tab that was asleep goes on where it was.
    if (playing) scene.advance(before ? Math.min(now - before, 50) / 1000 : 0);
    before = playing ? now : 0;
    readColours();
    scene.draw();
    frames += 1;
    average = frames > 1 ? 0.9 * average + 0.1 * (performance.now() - begin) : performance.now() - begin;
    root.dataset.frames = frames;
    root.dataset.frameMs = average.toFixed(2);
    if (playing) redraw();
  }
  function redraw() {
    if (onScreen && !closing.signal.aborted) request ||= requestAnimationFrame(frame);
  }
  function play(wanted) {
    playing = wanted;
    before = 0;
    root.dataset.playing = wanted ? "yes" : "no";
    redraw();
  }

  const seen = new IntersectionObserver((entries) => {
    onScreen = entries.at(-1).isIntersecting;
    if (onScreen) redraw();
    else scene.leave();
  });
  seen.observe(root);
  listen(document, "visibilitychange", () => { if (document.hidden) scene.leave(); });

  function close() {
    scene.leave();
    closing.abort();
    seen.disconnect();
    cancelAnimationFrame(request);
    clearTimeout(telling);
    if (saving) save();
    for (const [event, handler] of watched) model.off(event, handler);
    root.remove();
  }

  return {
    root, status, colours, scene, listen, watch, set, row, button, slider, checkbox, select, figures,
    tell, canvas, drag, redraw, play, close, isPlaying: () => playing,
  };
}

// Sound exists between a click on a button and the fade that ends it. `build(context, output)` returns
// a function that moves the running sound to the current traits; `volume()` is at most 1.
function createSound(root, build, volume) {
  const fade_s = 0.015;
  let [context, master, follow] = [null, null, null];
  const update = () => {
    if (!context) return;
    master.gain.setTargetAtTime(volume(), context.currentTime, fade_s);
    follow(fade_s);
  };
  const start = () => {
    if (context) return;
    context = new AudioContext();
    master = new GainNode(context, { gain: 0 });
    master.connect(context.destination);
    follow = build(context, master);
    context.resume();
    root.dataset.sound = "on";
    update();
  };
  const stop = () => {
    if (!context) return;
    const ending = context;
    master.gain.cancelScheduledValues(ending.currentTime);
    master.gain.setTargetAtTime(0, ending.currentTime, fade_s);
    setTimeout(() => ending.close(), 10_000 * fade_s);
    context = null;
    root.dataset.sound = "off";
  };
  return { start, stop, update, isOn: () => context !== null };
}
