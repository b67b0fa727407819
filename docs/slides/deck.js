// Lays out a deck once, before it is shown: formulas, explorers, then each slide is made to fit.
(() => {
  const WIDTH = 1280;
  const HEIGHT = 720;
  const TEXT = { least: 0.68, step: 0.04 };
  const CODE = { least: 0.66, step: 0.04 };
  // A picture this low is hardly seen from the last row: words give way before it does.
  const PICTURE_HEIGHT = 300;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // The slide's title stands for the explorer's own; what it tells stays for screen readers.
  const LIVE_STYLE = `.course-explorer { margin: 0; max-width: none; font-size: 15px; }
    .course-explorer .course-title, .course-explorer .course-status { position: absolute; width: 1px; height: 1px;
      margin: 0; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }`;

  let typeset;
  const formulas = new Promise((resolve) => { typeset = resolve; });
  window.MathJax = {
    tex: { inlineMath: [["$", "$"]], displayMath: [["$$", "$$"]], processEscapes: true },
    svg: { fontCache: "local" }, // a copy of a formula in the speaker's window is complete
    options: { enableMenu: false, skipHtmlTags: ["script", "style", "textarea", "pre", "code"] },
    startup: { pageReady: () => MathJax.startup.defaultPageReady().then(typeset) },
  };

  // A widget's traits as the notebook stored them, and whoever listens: there is no kernel behind it.
  function createModel({ state, buffers }) {
    const values = { ...state };
    for (const { path, data } of buffers) {
      const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
      let place = values;
      for (const key of path.slice(0, -1)) place = place[key];
      place[path.at(-1)] = new DataView(bytes.buffer);
    }
    const handlers = new Map();
    const tell = (event) => { for (const handler of [...(handlers.get(event) ?? [])]) handler(); };
    return {
      get: (name) => values[name],
      set(name, value) {
        values[name] = value;
        tell(`change:${name}`);
        tell("change");
      },
      save_changes() {},
      send() {},
      on: (event, handler) => handlers.set(event, [...(handlers.get(event) ?? []), handler]),
      off: (event, handler) =>
        handlers.set(event, (handlers.get(event) ?? []).filter((one) => one !== handler)),
    };
  }

  async function bringToLife(place) {
    const stored = JSON.parse(document.getElementById(place.dataset.model).textContent);
    const { _esm: source, _css: style, ...state } = stored.state;
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const module = await import(address);
    // In a tree of its own: an explorer is a <section>, which Reveal would take for a slide.
    const inner = Object.assign(document.createElement("div"), { className: "inner" });
    const el = document.createElement("div");
    inner.attachShadow({ mode: "open" }).append(
      Object.assign(document.createElement("style"), { textContent: `${style ?? ""}\n${LIVE_STYLE}` }), el);
    place.replaceChildren(inner); // in place of the still picture
    await (module.default.render ?? module.render)({ model: createModel({ ...stored, state }), el });
    for (const type of ["keydown", "keypress", "touchstart"]) place.addEventListener(type, keepToYourself);
    all("canvas", el).forEach(straighten);
  }

  // Arrow keys and Space belong to the control that has the focus; Page Up and Page Down turn pages.
  function keepToYourself(event) {
    if (!["PageUp", "PageDown", "Escape"].includes(event.key)) event.stopPropagation();
  }

  // Reveal scales a slide to the window. Explorers subtract a canvas's corner from the pointer's
  // place; the corner is reported so that the difference comes out in the canvas's own pixels.
  const pointer = { x: 0, y: 0 };
  for (const type of ["pointerdown", "pointermove", "pointerup", "click", "mousemove"])
    addEventListener(type, ({ clientX, clientY }) => {
      [pointer.x, pointer.y] = [clientX, clientY];
    }, { capture: true });
  function straighten(canvas) {
    canvas.getBoundingClientRect = () => {
      const box = Element.prototype.getBoundingClientRect.call(canvas);
      const scale = box.width / canvas.offsetWidth || 1;
      const left = pointer.x - (pointer.x - box.left) / scale;
      const top = pointer.y - (pointer.y - box.top) / scale;
      return new DOMRect(left, top, canvas.offsetWidth, canvas.offsetHeight);
    };
  }

  const isTooTall = (page) => page.scrollHeight > HEIGHT || page.scrollWidth > WIDTH;
  const spills = (part) => part.scrollWidth > part.clientWidth + 1 || part.scrollHeight > part.clientHeight + 1;
  const isSquashed = (page) => all(".picture img", page).some((image) =>
    image.clientHeight < Math.min(PICTURE_HEIGHT, image.naturalHeight * 0.8));
  const isBad = (page) => isTooTall(page) || isSquashed(page) || all(".shows, .middle, .words", page).some(spills);

  // Explorers: of some widths the one that can be shown largest.
  function fitExplorer(place) {
    const inner = place.firstElementChild;
    const { clientWidth: across, clientHeight: down } = place.parentElement;
    const scaleAt = (width) => {
      inner.style.width = `${width}px`;
      return Math.min(1.2, across / width, down / inner.offsetHeight);
    };
    const widths = [0.85, 1, 1.15, 1.3, 1.45].map((factor) => Math.round(across * factor));
    // Of those that are equally large, the widest.
    const order = (width) => Math.round(50 * scaleAt(width)) + width / 10_000;
    const scale = scaleAt(widths.sort((a, b) => order(b) - order(a))[0]);
    inner.style.transform = `scale(${scale})`;
    place.style.width = `${inner.offsetWidth * scale}px`;
    place.style.height = `${inner.offsetHeight * scale}px`;
    place.dataset.scale = scale.toFixed(2);
  }

  function fit(page) {
    const live = page.querySelector(".live");
    if (live?.querySelector(".inner")) fitExplorer(live);
    for (const listing of all(".listing, .printed", page))
      for (let scale = 1; scale >= CODE.least && listing.scrollWidth > listing.clientWidth + 1; scale -= CODE.step)
        listing.style.setProperty("--c", scale);
    for (const formula of all(".formula", page))
      for (let scale = 1; scale >= 0.6 && all("mjx-container svg", formula).some(
        (drawn) => drawn.getBoundingClientRect().width > formula.clientWidth); scale -= TEXT.step)
        formula.style.setProperty("--f", scale);
    const largest = page.matches(".concept, .goals, .agenda, .summary, .exercises, .sound, .quiz") ? 1.24 : 1;
    for (let scale = largest; scale >= TEXT.least && (scale === largest || isBad(page)); scale -= TEXT.step) {
      page.style.setProperty("--s", scale);
      for (const listing of all(".listing, .printed", page)) {
        const now = Number(listing.style.getPropertyValue("--c") || 1);
        listing.style.setProperty("--c", Math.max(CODE.least, Math.min(now, scale)));
      }
    }
    page.dataset.fits = isTooTall(page) || all(".shows, .middle, .words", page).some(spills) ? "no" : "yes";
  }

  async function start() {
    const deck = document.querySelector(".reveal");
    // Formulas in tables and lists first, then explorers, so that their heights are known.
    await Promise.all([formulas, document.fonts.ready, ...all("img").map((image) => image.decode())]);
    for (const place of all(".live")) {
      const picture = [...place.children];
      await bringToLife(place).catch((error) => {
        console.error(`An explorer is shown as a still picture: ${error}`);
        place.replaceChildren(...picture);
      });
    }
    for (const audio of all("audio")) audio.addEventListener("keydown", keepToYourself);
    await new Promise((resolve) => setTimeout(resolve, 50));
    all(".page").forEach(fit);
    deck.classList.remove("fitting");
    await Reveal.initialize({
      width: WIDTH, height: HEIGHT, margin: 0, minScale: 0.1, maxScale: 4, center: false, hash: true,
      slideNumber: "c/t", transition: "none", backgroundTransition: "none", controlsTutorial: false,
      controls: false, pdfSeparateFragments: false, scrollActivationWidth: 0,
    });
    // A sound or an animation does not follow to the next slide.
    Reveal.on("slidechanged", ({ previousSlide }) => {
      for (const audio of all("audio", previousSlide ?? document.body)) audio.pause();
    });
    startSpeaker();
    document.documentElement.dataset.ready = "yes";
  }

  addEventListener("load", () => start().catch((error) => {
    document.querySelector(".reveal").classList.remove("fitting");
    throw error;
  }));
})();
