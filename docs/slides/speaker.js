// The speaker's window: notes, what comes next, clock and pace. It is written into from the deck,
// so that it works from a file as well as from a server.
(() => {
  const STYLE = `
    body { margin: 0; font: 18px/1.5 system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; color: #1b1b1b;
      display: grid; grid-template-columns: minmax(0, 1fr) 520px; height: 100vh; }
    #notes { overflow: auto; padding: 16px 28px; }
    #notes pre { overflow-x: auto; background: #f3f6f8; padding: 8px 12px; font-size: 14px; line-height: 1.4; }
    #notes table { border-collapse: collapse; } #notes td, #notes th { border: 1px solid #c9d3da; padding: 2px 8px; }
    #aside { border-left: 1px solid #c9d3da; padding: 16px; overflow: auto; }
    #clock { font-size: 40px; font-weight: 700; font-variant-numeric: tabular-nums; }
    #next { width: 486px; height: 274px; overflow: hidden; border: 1px solid #c9d3da; margin: 6px 0 16px; }
    #next > * { transform: scale(0.38); transform-origin: 0 0; pointer-events: none; }
    #next .fragment { visibility: visible; opacity: 1; }
    button { font: inherit; padding: 4px 14px; }`;
  const minutes = (seconds) =>
    `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  let [view, began] = [null, 0];

  function open() {
    if (view && !view.closed) return view.focus();
    view = window.open("", "speaker", "width=1280,height=820");
    if (!view) return alert("The browser did not open the speaker's window: allow pop-ups for this page.");
    const sheet = document.querySelector("link[href='deck.css']").href;
    view.document.title = `Speaker: ${document.title}`;
    view.document.head.innerHTML = `<link rel="stylesheet" href="${sheet}"><style>${STYLE}</style>`;
    // MathJax keeps its rules in a <style>; without them each formula would stand there twice.
    for (const rules of document.head.querySelectorAll("style"))
      view.document.head.append(view.document.importNode(rules, true));
    view.document.body.innerHTML = `<main id="notes" tabindex="0" aria-label="Notes"></main><div id="aside">
      <div id="clock" role="timer"></div><p id="pace"></p>
      <p><button id="back">Back</button> <button id="on">On</button> <button id="again">Clock to 0</button></p>
      <p id="upcoming"></p><div id="next" inert></div></div>`;
    const act = (id, action) => view.document.getElementById(id).addEventListener("click", action);
    act("back", () => Reveal.prev());
    act("on", () => Reveal.next());
    act("again", () => { began = Date.now(); tick(); });
    view.document.addEventListener("keydown", (event) => {
      const forward = ["ArrowRight", "PageDown", " ", "n"].includes(event.key);
      if (!forward && !["ArrowLeft", "PageUp", "p"].includes(event.key)) return;
      if (event.target.tagName === "BUTTON" && event.key === " ") return;
      event.preventDefault();
      if (forward) Reveal.next();
      else Reveal.prev();
    });
    began ||= Date.now();
    update();
  }

  function update() {
    if (!view || view.closed) return;
    const slide = Reveal.getCurrentSlide();
    const slides = Reveal.getSlides();
    const following = slides[slides.indexOf(slide) + 1];
    const notes = view.document.getElementById("notes");
    notes.innerHTML = `<h1>${slide.querySelector("h1, h2").innerHTML}</h1>${slide.querySelector("aside.notes").innerHTML}`;
    notes.scrollTop = 0;
    const waiting = slide.querySelectorAll(".fragment:not(.visible)").length;
    const keys = waiting === 1 ? "one more key" : `${waiting} more keys`;
    view.document.getElementById("upcoming").textContent =
      `${waiting ? `On this slide: ${keys}. ` : ""}${following ? "Next:" : "This is the last slide."}`;
    const next = view.document.getElementById("next");
    next.replaceChildren(...(following ? [view.document.importNode(following.querySelector(".page"), true)] : []));
    for (const player of next.querySelectorAll("audio")) player.preload = "none";
    tick();
  }

  function tick() {
    if (!view || view.closed) return;
    const slides = Reveal.getSlides();
    const times = slides.map((one) => Number(one.dataset.timing));
    const sum = (values) => values.reduce((total, value) => total + value, 0);
    const planned = sum(times.slice(0, slides.indexOf(Reveal.getCurrentSlide()) + 1));
    const gone = (Date.now() - began) / 1000;
    const late = Math.round((gone - planned) / 60);
    const pace = late > 0 ? `${late} min behind the plan` : late < -1 ? `${-late} min ahead` : "in time";
    view.document.getElementById("clock").textContent = minutes(gone);
    view.document.getElementById("pace").textContent =
      `This slide until ${minutes(planned)} of ${minutes(sum(times))}: ${pace}`;
  }

  window.startSpeaker = () => {
    Reveal.addKeyBinding({ keyCode: 83, key: "S", description: "Speaker's window" }, open);
    for (const event of ["slidechanged", "fragmentshown", "fragmenthidden"]) Reveal.on(event, update);
    setInterval(tick, 1000);
  };
})();
