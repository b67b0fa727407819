// Brings stored explorers and quizzes to life, without a kernel: the code of each kind, the state of
// each one, both loaded as plain scripts when their place comes near, so that a folder is enough.
const BASE = new URL(".", document.currentScript.src).href;

const kinds = new Map(); // name of a kind -> {style, build}
window.courseKind = (name, style, build) => kinds.set(name, { style, build });
let arrived = null; // the state that the last script brought
window.courseState = (content) => { arrived = content; };

const scripts = new Map();
function load(address) {
  if (!scripts.has(address)) {
    scripts.set(address, new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), { src: address });
      script.onload = () => resolve(arrived);
      script.onerror = () => reject(new Error(`${address} did not load`));
      document.head.append(script);
    }));
  }
  return scripts.get(address);
}

function bytes(text) {
  const letters = atob(text);
  return new DataView(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)).buffer);
}

// As much of a widget's model as explorers and quizzes use. Nobody listens to what is sent.
function createModel({ state, buffers }) {
  const values = structuredClone(state);
  for (const { path, data } of buffers) {
    let place = values;
    for (const step of path.slice(0, -1)) place = place[step];
    place[path.at(-1)] = bytes(data);
  }
  const handlers = new Map();
  const emit = (event) => { for (const handler of [...(handlers.get(event) ?? [])]) handler(); };
  return {
    get: (name) => values[name],
    set(name, value) {
      if (values[name] === value) return;
      values[name] = value;
      emit(`change:${name}`);
      emit("change");
    },
    save_changes() {},
    send() {},
    on: (event, handler) => handlers.set(event, [...(handlers.get(event) ?? []), handler]),
    off: (event, handler) => handlers.set(event, (handlers.get(event) ?? []).filter((one) => one !== handler)),
  };
}

// What only Python can answer is locked, and said so.
function lock(place, asks) {
  const selectors = asks.map((trait) => `[data-trait="${trait}"]`);
  const controls = place.querySelectorAll([...selectors, "[data-action=record]", "[data-action=upload]", "[data-action=samples]"].join());
  if (!controls.length) return;
  for (const control of controls) {
    control.disabled = true;
    // An explorer that enables its controls as it draws must not open this one.
    Object.defineProperty(control, "disabled", { get: () => true, set() {} });
  }
  const note = document.createElement("p");
  note.className = "course-note";
  note.textContent = "What is greyed out asks Python, where the network runs: open the notebook in JupyterLab for that.";
  place.append(note);
}

async function enliven(stage) {
  const { kind, state, asks } = stage.dataset;
  try {
    await load(new URL(`kinds/${kind}.js`, BASE).href);
    const content = await load(new URL(state, document.baseURI).href);
    const { style, build } = kinds.get(kind);
    if (!document.getElementById(`style-${kind}`)) {
      document.head.append(Object.assign(document.createElement("style"), { id: `style-${kind}`, textContent: style }));
    }
    const place = Object.assign(document.createElement("div"), { className: "course-live" });
    stage.append(place);
    build().render({ model: createModel(content), el: place });
    lock(place, asks.split(" ").filter(Boolean));
    for (const child of [...stage.children]) if (child !== place) child.remove();
    stage.dataset.alive = "yes";
  } catch (error) {
    stage.querySelector(".course-live")?.remove(); // the still picture stays
    console.error(`${kind}:`, error);
  }
}

const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    enliven(target);
  }
}, { rootMargin: "600px" });
for (const stage of document.querySelectorAll(".course-stage")) near.observe(stage);

// In a folder no page can be fetched: the search shows titles there, without a line of the text.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// The glossary is long: a field above it keeps only the rows that hold what is typed.
const field = document.getElementById("course-filter");
if (field) {
  const rows = [...document.querySelectorAll("article table tbody tr")];
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}
