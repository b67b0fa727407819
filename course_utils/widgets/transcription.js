const NO_NOISE = 40;
const SILENCE_MS = 3000;
const KINDS = { right: "", substituted: "≠ substituted", deleted: "− deleted", inserted: "+ inserted" };

function render({ model, el }) {
  const ui = createExplorer({ model, el }, "transcription", "Transcription explorer");
  const { colours, scene } = ui;
  const names = model.get("_names");
  const TOP = 5;

  let [clips, heard, tall, asked] = [new Map(), null, 0, 0];
  // What is shown is Python's answer; until the next one is there, it is the last one.
  const late = () => ["clip", "decoder", "snr_db"].some((trait) => model.get("_heard")[trait] !== model.get(trait));
  const sound = () => heard?.sound ?? clips.get(model.get("clip")) ?? clips.values().next().value;

  const buttons = ui.row("course-buttons");
  const chosen = ui.select(buttons, { trait: "clip", label: "Clip", options: [] });
  const decoders = model.get("_decoders");
  if (decoders.length > 1)
    ui.select(buttons, { trait: "decoder", label: "Decoder", options: decoders.map((name) => [name, name]) });
  const hearButton = ui.button(buttons, "hear", "", () => hear(!player.isOn()));
  const yours = ui.row("course-buttons");
  const sliders = ui.row("course-sliders");
  ui.slider(sliders, {
    trait: "snr_db", label: "White noise added, signal-to-noise ratio", step: 1, text: (v) => (v >= NO_NOISE ? "no noise" : `${v.toFixed(0)} dB`),
  });

  const stage = ui.canvas(ui.root, "scribe-canvas", layOut(null, 0).bottom,
    "On one time axis: mel spectrogram, probability of each token in each frame, the best token of each frame, " +
    "and the text, each token under its frames. Left and right arrow move from frame to frame, with Shift by ten.");
  stage.node.classList.add("course-draggable");
  stage.node.tabIndex = 0;
  const right = () => stage.width - 12;
  let left = 60;
  const player = createPlayer(ui.root, sound, () => hear(false));

  let hovered = null;
  const frameAt = (s) => clamp(Math.round(s / heard.frame_s), 0, heard.frames - 1);
  const position = () => (player.isOn() ? Math.min(player.position(), sound().seconds) : null);
  const looked = (now) => frameAt(now ?? hovered ?? model.get("time_s"));

  scene.draw = () => {
    const font = getComputedStyle(ui.root).fontFamily;
    const at = layOut(heard, tall);
    tall = at.tall;
    stage.height = at.bottom;
    const pen = stage.begin();
    if (heard) left = 16 + Math.max(34, ...heard.rows.map((token) => pen.measureText(names[token]).width));
    if (right() < left + 40) return;
    if (!heard) {
      pen.fillStyle = colours.ink;
      pen.textAlign = "left";
      pen.fillText("Nothing is written.", left, at.image + 20);
      return report(null);
    }
    const now = position();
    const t = looked(now);
    const waiting = late() && performance.now() - asked > 250;
    stage.node.style.opacity = waiting ? 0.5 : 1;
    drawTranscript(pen, heard, at, { names, colours, left, right: right(), font, t, now });
    report(t);
  };

  // The most probable tokens of the frame that is looked at.
  const moment = ui.root.appendChild(make("p", { class: "scribe-moment" }));
  const best = ui.root.appendChild(make("ol", { class: "scribe-top", "aria-label": "The most probable tokens of this frame" }));
  const cells = Array.from({ length: TOP }, () => {
    const cell = { name: make("b"), value: make("span", { class: "course-value" }), item: make("li") };
    cell.item.append(cell.name, cell.value);
    best.append(cell.item);
    return cell;
  });
  function showFrame(t) {
    const found = heard.top(t, TOP);
    const when = `Frame ${t + 1} of ${heard.frames}, at ${(t * heard.frame_s).toFixed(2)} s. Most probable:`;
    if (moment.textContent !== when) moment.textContent = when;
    cells.forEach((cell, i) => {
      cell.item.hidden = i >= found.length;
      if (cell.item.hidden) return;
      const [token, p] = found[i];
      cell.name.textContent = names[token];
      cell.value.textContent = p.toFixed(3);
      cell.item.style.setProperty("--share", `${100 * p}%`);
    });
    return found.map(([token, p]) => [names[token], p]);
  }

  // The words: what was said above what is written, with the kind of each error.
  const words = ui.root.appendChild(make("div", { class: "scribe-words", role: "group" }));
  const kindOf = ([said, written]) => {
    if (said === written) return "right";
    return said === null ? "inserted" : written === null ? "deleted" : "substituted";
  };
  function showWords() {
    const parts = [];
    const pair = (said, written, kind, note) => parts.push(make("div", { class: "scribe-pair", "data-kind": kind },
      make("span", { class: "scribe-said" }, said), make("span", { class: "scribe-written" }, written), make("small", {}, note)));
    words.replaceChildren();
    words.hidden = !heard;
    if (!heard) return;
    if (heard.pairs) {
      pair("said", "written", "name", "");
      for (const both of heard.pairs) pair(both[0] ?? "·", both[1] ?? "·", kindOf(both), KINDS[kindOf(both)]);
      if (!heard.pairs.length) pair("(nothing)", "(nothing)", "right", "");
    } else {
      parts.push(make("div", { class: "scribe-pair", "data-kind": "name" }, "written"),
        make("div", { class: "scribe-pair" }, heard.text || "(nothing)"));
    }
    words.append(...parts);
    words.setAttribute("aria-label", heard.pairs ? "What was said, and what is written" : "What is written");
    if (heard.greedy !== heard.text)
      words.append(make("p", {}, `The best token of each frame alone reads: ${heard.greedy || "(nothing)"}`));
  }

  let notice = "";
  const say = (text) => {
    notice = text;
    ui.redraw();
  };
  function report(t) {
    moment.hidden = best.hidden = !heard;
    if (!heard) {
      ui.root.dataset.transcription = JSON.stringify({ clip: model.get("clip"), problem: model.get("problem") });
      return ui.tell(notice || model.get("problem"));
    }
    const top = showFrame(t);
    const { clip, decoder, snr_db, text, pairs, spans } = heard;
    ui.root.dataset.transcription = JSON.stringify({
      clip, decoder, snr_db, text, spans, frame: t, top, rows: heard.rows.map((token) => names[token]), late: late(),
    });
    if (late() && performance.now() - asked > SILENCE_MS) {
      return ui.tell(`Python has not answered yet: this is still “${clip}” as it was. Is the notebook's kernel running?`);
    }
    const noise = snr_db >= NO_NOISE ? "" : ` at ${snr_db.toFixed(0)} dB of signal to noise`;
    let errors = "";
    if (pairs) {
      const kinds = pairs.map(kindOf);
      const count = (kind) => kinds.filter((one) => one === kind).length;
      const [wrong, all] = [kinds.length - count("right"), kinds.length - count("inserted")];
      const of = ["substituted", "deleted", "inserted"].map((kind) => `${count(kind)} ${kind}`).join(", ");
      errors = ` Of ${all} word${all === 1 ? "" : "s"} said: ${of}`;
      errors += all ? `; word error rate ${Math.round(100 * wrong / all)} %.` : ".";
    }
    ui.tell(notice || `${heard.sound.note}${heard.note}Written${noise}, decoder ${decoder}: ` +
      `${text ? `“${text}”` : "nothing"}.${errors}`);
  }

  function hear(wanted) {
    if (wanted && sound()) player.start(model.get("time_s") < sound().seconds - 0.1 ? model.get("time_s") : 0);
    else player.stop();
    ui.play(player.isOn());
    hearButton.textContent = player.isOn() ? "■ Stop" : "▶ Hear from the cursor on";
    hearButton.setAttribute("aria-pressed", player.isOn());
  }
  const recorder = createIntake(ui, model, yours, { say, quiet: () => hear(false), doing: "transcribed" });
  scene.leave = () => {
    hear(false);
    recorder.cancel();
  };
  ui.root.append(ui.status);

  const seconds = (x) => clamp((x - left) / (right() - left), 0, 1) * sound().seconds;
  ui.drag(stage.node, (x) => {
    hovered = null;
    if (heard) ui.set("time_s", frameAt(seconds(x)) * heard.frame_s);
    ui.redraw();
  });
  ui.listen(stage.node, "pointermove", (event) => {
    if (stage.node.hasPointerCapture(event.pointerId)) return;
    hovered = seconds(event.clientX - stage.node.getBoundingClientRect().left);
    ui.redraw();
  });
  ui.listen(stage.node, "pointerleave", () => {
    hovered = null;
    ui.redraw();
  });
  ui.listen(stage.node, "keydown", (event) => {
    const far = event.shiftKey ? 10 : 1;
    const way = { ArrowLeft: -far, ArrowRight: far, Home: -1e6, End: 1e6 }[event.key];
    if (!way || !heard) return;
    event.preventDefault();
    hovered = null;
    ui.set("time_s", clamp(frameAt(model.get("time_s")) + way, 0, heard.frames - 1) * heard.frame_s);
  });

  function renew() {
    clips = readClips(model);
    chosen.replaceChildren(...[...clips.keys()].map((name) => make("option", { value: name }, name)));
    chosen.value = model.get("clip");
    answered();
  }
  function answered() {
    const before = heard?.clip;
    heard = readHeard(model, clips);
    if (heard?.clip !== before) tall = 0;
    notice = "";
    showWords();
    player.update();
    ui.redraw();
  }
  for (const trait of ["_clips", "_samples"]) ui.watch(trait, renew);
  ui.watch("_heard", answered); // its bytes come with it
  for (const trait of ["clip", "decoder", "snr_db"]) {
    ui.watch(trait, () => {
      if (trait === "clip") hear(false);
      asked = performance.now();
      for (const wait of [300, SILENCE_MS + 50]) setTimeout(ui.redraw, wait);
      say("");
    });
  }
  ui.watch("problem", () => say(model.get("problem")));
  ui.watch("time_s", () => say(""));
  renew();
  hear(false);
  return ui.close;
}

export default { render };
