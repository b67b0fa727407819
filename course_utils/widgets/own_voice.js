const SILENCE_MS = 4000;
const LATE = "Python has not answered yet. Is the notebook's kernel running, and not busy?";
const REST_MS = 250;
const SOFT = 0.04;

function render({ model, el }) {
  const ui = createExplorer({ model, el }, "voice", "Your own voice");
  const { colours, scene } = ui;
  const outside = model.get("_outside");
  const prompts = model.get("_prompts");
  const place = () => prompts.findIndex(([name]) => name === model.get("prompt"));

  // What is shown: the take as Python has it, but for the ends while they are being moved.
  // `moving` is the timer of ends that are being moved, `told` the ends that Python has not confirmed yet.
  let [take, live, notice, wrong, asked, moving, told] = [null, null, "", false, 0, 0, null];

  // The prompt.
  const way = ui.row("course-buttons");
  const back = ui.button(way, "back", "◀ Back", () => go(place() - 1));
  const where = way.appendChild(make("b", { class: "take-where" }));
  const next = ui.button(way, "next", "Next ▶", () => go(place() + 1));
  const strip = way.appendChild(make("span", { class: "take-strip", "aria-hidden": "true" }));
  const marks = prompts.map(([name], i) => {
    const mark = strip.appendChild(make("span", { title: name }));
    ui.listen(mark, "click", () => go(i));
    return mark;
  });
  const wanted = ui.root.appendChild(make("p", { class: "take-prompt" }));
  way.hidden = outside.free;
  function go(i) {
    if (!prompts[i]) return;
    hear(false);
    intake.cancel();
    commit();
    send({ kind: "go", name: prompts[i][0] });
  }
  function showPrompt() {
    const [kept, i] = [new Set(model.get("_kept")), place()];
    back.disabled = i <= 0;
    next.disabled = i >= prompts.length - 1;
    where.textContent = `${i + 1} of ${prompts.length}, ${kept.size} kept`;
    marks.forEach((mark, k) => {
      mark.textContent = kept.has(prompts[k][0]) ? "✓" : "";
      mark.dataset.here = k === i ? "yes" : "no";
      mark.dataset.kept = kept.has(prompts[k][0]) ? "yes" : "no";
    });
    const text = prompts[i]?.[1];
    wanted.replaceChildren(outside.free ? "Say something, and see what is read." : make("span", {}, "Read aloud:"));
    if (!outside.free) wanted.append(` “${text}”`);
    const fits = model.get("_known").find(([, said]) => text && said === text);
    if (samples && fits) samples.value = fits[0];
    ui.redraw();
  }

  // The ways in.
  const ways = ui.row("course-buttons");
  const say = (text, failed = false) => {
    [notice, wrong] = [text, failed];
    ui.redraw();
  };
  const intake = createIntake(ui, model, ways, {
    say, quiet: () => hear(false), doing: outside.readers.length ? "read" : "looked at",
    heard: (piece, rate) => {
      if (!live.seconds) say(`Speak now. Press Stop after the last word; ${outside.longest_s} s at most.`);
      live.hear(piece, rate);
      ui.redraw();
    },
    changed: (on) => {
      live = on ? createLevel() : live;
      ui.redraw();
    },
    sent: (samples, name) => {
      ask();
      return { source: name === "The recording" ? "the microphone" : name };
    },
  });
  let samples = null;
  if (model.get("_known").length) {
    samples = make("select", { "aria-label": "Sample sound", "data-action": "samples" },
      ...model.get("_known").map(([name]) => make("option", { value: name }, name)));
    ways.append(make("label", { class: "course-check" }, make("span", {}, "or a sample"), samples));
    ui.button(ways, "sample", "Use it", () => {
      hear(false);
      intake.cancel();
      live = null;
      send({ kind: "sample", name: samples.value });
    });
  }
  const send = (content) => {
    ask();
    model.send(content, undefined, [new ArrayBuffer(0)]);
  };
  function ask() {
    const mine = asked = performance.now();
    setTimeout(() => { if (asked === mine) say(LATE, true); }, SILENCE_MS);
  }
  function answered() {
    asked = 0;
    if (notice === LATE) say("");
  }

  const meter = ui.canvas(ui.root, "take-meter", 36, "Level of the microphone in decibels, and the clipping light");
  const stage = ui.canvas(ui.root, "take-canvas", takeHeight(outside.readers.length),
    "The take's waveform between the two ends of what is used, and the words of each reader at their times");
  stage.node.classList.add("course-draggable");
  const [left, right] = [10, () => stage.width - 10];

  const piece = () => {
    const { samples: all, rate, trim } = take;
    if (take.cutAt !== `${trim}`) take.piece = all.slice(Math.round(trim[0] * rate), Math.round(trim[1] * rate));
    take.cutAt = `${trim}`;
    return { samples: take.piece, rate };
  };
  const player = createPlayer(ui.root, piece, () => hear(false));

  scene.draw = () => {
    const font = getComputedStyle(ui.root).fontFamily;
    const recording = intake.isOn();
    let pen = meter.begin();
    const level = recording ? live : take?.level;
    const hot = recording ? live?.clipped > 0 : take ? take.clipped : null;
    if (meter.width > 200) drawMeter(pen, meter.width, level, hot, { colours, font });
    stage.height = takeHeight(take && !recording ? outside.readers.length : 0);
    pen = stage.begin();
    if (right() < left + 40) return;
    const look = { colours, left, right: right(), font };
    if (recording && live) drawLive(pen, live, outside.longest_s, look);
    else if (take) {
      const now = player.isOn() ? take.trim[0] + player.position() : null;
      drawTake(pen, take, { ...look, lanes: take.lanes, now, stale: `${take.read}` !== `${take.trim}` });
    } else {
      pen.fillStyle = colours.ink;
      pen.textAlign = "center";
      pen.globalAlpha = 0.8;
      pen.fillText(fitted(pen, "No take yet: press Record, or choose another way in.", right() - left), (left + right()) / 2, 84);
      pen.globalAlpha = 1;
    }
    report();
  };

  // What can be done with a take.
  const buttons = ui.row("course-buttons");
  const hearButton = ui.button(buttons, "hear", "", () => hear(!player.isOn()));
  const suggest = ui.button(buttons, "suggest", "Trim as suggested", () => setTrim(...take.suggested));
  const all = ui.button(buttons, "all", "Use all of it", () => setTrim(0, take.longest));
  const keep = ui.button(buttons, "keep", "", () => {
    commit();
    send({ kind: "keep", insist: Boolean(take.fault) });
  });
  const sliders = ui.row("course-sliders");
  const ends = ["Starts at", "Ends at"].map((label, i) => {
    const shown = make("span", { class: "course-value", "aria-hidden": "true" });
    const input = make("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": label, "data-end": i });
    ui.listen(input, "input", () => moveEnd(i, Number(input.value)));
    sliders.append(make("label", { class: "course-slider" }, make("span", {}, label), shown, input));
    return { input, shown };
  });
  function moveEnd(i, value) {
    const [start, end] = take.trim;
    if (i) setTrim(start, Math.max(value, start + outside.piece_s));
    else setTrim(Math.min(value, end - outside.piece_s), end);
  }
  function setTrim(start, end) {
    const hundredths = (v) => Math.round(100 * v) / 100;
    take.trim = [hundredths(clamp(start, 0, take.longest)), hundredths(clamp(end, 0, take.longest))];
    hear(false);
    say("");
    clearTimeout(moving);
    moving = setTimeout(commit, REST_MS);
    showTrim();
  }
  // Python hears of the new ends when they rest.
  function commit() {
    if (!moving) return;
    clearTimeout(moving);
    moving = 0;
    if (!take || `${take.trim}` === `${told ?? model.get("trim")}`) return;
    told = [...take.trim];
    send({ kind: "trim", turn: take.turn, trim: told });
  }
  function showTrim() {
    ends.forEach(({ input, shown }, i) => {
      input.max = take.longest;
      input.value = take.trim[i];
      const text = `${take.trim[i].toFixed(2)} s`;
      input.setAttribute("aria-valuetext", text);
      input.style.setProperty("--share", `${100 * take.trim[i] / take.longest}%`);
      shown.textContent = text;
    });
    ui.redraw();
  }
  let dragged = 0;
  ui.drag(stage.node, (x, y, event) => {
    if (!take || intake.isOn()) return;
    const s = clamp((x - left) / (right() - left), 0, 1) * take.seconds;
    if (event.type === "pointerdown") dragged = Math.abs(s - take.trim[1]) < Math.abs(s - take.trim[0]) ? 1 : 0;
    moveEnd(dragged, s);
  });
  function hear(wantedNow) {
    if (wantedNow && take) player.start(0);
    else player.stop();
    ui.play(player.isOn());
    hearButton.textContent = player.isOn() ? "■ Stop" : "▶ Listen";
    hearButton.setAttribute("aria-pressed", player.isOn());
  }
  ui.root.append(ui.status);

  // What the readers say.
  const readings = ui.root.appendChild(make("div", { class: "take-readings" }));
  function report() {
    const busy = intake.isOn();
    for (const node of [hearButton, suggest, all, keep]) node.disabled = !take || busy;
    sliders.hidden = !take;
    keep.hidden = outside.free;
    const blocked = take && (take.refusal || (take.fault && take.fault[0] !== "clipped"));
    if (take && !busy) keep.disabled = Boolean(blocked || take.kept || `${take.read}` !== `${take.trim}`);
    keep.textContent = take?.kept ? "✓ Kept" : take?.fault?.[0] === "clipped" ? "Keep although clipped" : "✓ Keep, and go on";
    ui.root.dataset.voice = JSON.stringify({
      prompt: model.get("prompt"), kept: model.get("_kept"), problem: model.get("problem"), turn: take?.turn ?? 0,
      trim: take?.trim ?? null, read: take?.read ?? null, source: take?.source ?? "", fault: take?.fault?.[0] ?? "",
      seconds: take?.seconds ?? 0, level: live ? live.loudest : 0,
      texts: Object.fromEntries((take?.lanes ?? []).map((lane) => [lane.reader, lane.state === "done" ? lane.text : lane.state])),
    });
    ui.root.dataset.alert = Boolean(notice ? wrong : !busy && (take?.fault || take?.refusal));
    if (notice) return ui.tell(notice);
    if (!take) return ui.tell(outside.free ? "No take yet." : "No take of this prompt yet.");
    const soft = take.loudest < SOFT ? " It is very soft: come closer to the microphone." : "";
    const used = `${take.trim[0].toFixed(2)} to ${take.trim[1].toFixed(2)} s of ${take.seconds.toFixed(2)} s are used.`;
    const said = outside.free && take.said ? `, in which “${take.said}” is said` : "";
    const from = take.source === "kept" ? "This take was kept before." : `From ${take.source}${said}.`;
    ui.tell(`${take.fault?.[1] ?? ""} ${take.refusal} ${from} ${used}${soft}${take.kept ? " It is kept." : ""}`.trim());
  }

  function renew() {
    answered();
    const state = model.get("_take");
    const view = model.get("_pcm");
    if (!state.count || view.byteLength !== 2 * state.count) take = null;
    else {
      const before = take?.turn === state.turn ? take : null;
      if (!before) told = null;
      const numbers = before ? null : new Int16Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
      const samples = before?.samples ?? Float32Array.from(numbers, (v) => v * state.unit);
      const seconds = samples.length / outside.rate;
      take = {
        ...state, samples, seconds, rate: outside.rate, longest: Math.floor(100 * seconds) / 100,
        trim: before && (moving || told) ? before.trim : [...model.get("trim")],
        read: before?.read ?? null, lanes: before?.lanes ?? outside.readers.map((reader) => ({ reader, state: "waiting" })),
        loudest: 32767 * state.unit, clipped: state.fault?.[0] === "clipped",
        flat: Math.min(CLIPPED, 32767 * state.unit * 0.9999), level: before?.level ?? null,
      };
      if (!before && state.source === "the microphone") take.level = live;
      showTrim();
    }
    listenTo();
    if (!model.get("problem")) say("");
    ui.redraw();
  }
  function listenTo() {
    answered();
    const heard = model.get("_heard");
    const mine = take && heard.turn === take.turn;
    if (mine) {
      take.read = heard.trim;
      take.lanes = heard.rows;
    }
    const rows = mine ? heard.rows : take ? take.lanes : [];
    readings.replaceChildren(...rows.map(describeReading));
    ui.redraw();
  }
  const privacy = ui.root.appendChild(make("p", { class: "take-privacy" }));
  function showWhere() {
    const folder = model.get("_where") || "a folder of your own";
    privacy.textContent = outside.free
      ? "Your voice goes to this notebook's kernel and nowhere else, and is written to no file."
      : `What you keep is a WAV file in ${folder}, on the computer that runs this notebook. It is sent nowhere else.`;
  }

  scene.leave = () => {
    hear(false);
    if (intake.isOn()) say("The recording was broken off, for its recorder left the screen. Press Record again.", true);
    intake.cancel();
    commit();
  };
  ui.watch("_take", renew); // its samples come with it
  ui.watch("_heard", listenTo);
  ui.watch("trim", () => {
    answered();
    if (`${told}` === `${model.get("trim")}`) told = null;
    if (moving || told || !take) return;
    take.trim = [...model.get("trim")];
    showTrim();
  });
  ui.watch("problem", () => {
    [asked, told] = [0, null];
    say(model.get("problem"), true);
  });
  ui.watch("prompt", () => {
    asked = 0;
    hear(false);
    say("");
    live = null;
    showPrompt();
    // Whoever keeps a take by keyboard goes on with the next recording.
    if (document.activeElement === keep) ui.root.querySelector("[data-action=record]").focus();
  });
  ui.watch("_kept", showPrompt);
  ui.watch("_where", showWhere);
  showPrompt();
  showWhere();
  renew();
  say(model.get("problem"), true);
  hear(false);
  if (!outside.free) model.send({ kind: "hello" }, undefined, [new ArrayBuffer(0)]);
  return ui.close;
}

export default { render };
