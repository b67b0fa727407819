function render({ model, el }) {
  const ui = createExplorer({ model, el }, "player", "Attention player");
  const { scene } = ui;
  let [clips, answer] = [readClips(model), readAnswer(model)];
  let [notice, at] = ["", null]; // a sentence that goes before all others; the cursor in seconds

  const SETTING = ["clip", "speller", "told", "text", "beam_size", "length_normalisation", "coverage"];
  const isStale = () => JSON.stringify(SETTING.map((name) => model.get(name))) !== JSON.stringify(answer.key);
  const clip = () => clips.get(model.get("clip")) ?? clips.values().next().value;
  const chosen = () => clamp(model.get("token"), 0, Math.max(0, answer.tokens.length - 1));

  const above = ui.row("course-buttons");
  const clipInput = ui.select(above, { trait: "clip", label: "Clip", options: [] });
  const spellers = model.get("_spellers");
  if (spellers.length > 1) ui.select(above, { trait: "speller", label: "Speller", options: spellers.map((name) => [name, name]) });
  function choice(trait, label, values, text = String) {
    const options = [...new Set([...values, model.get(trait)])].sort((a, b) => a - b);
    const input = make("select", { "data-trait": trait, "aria-label": label },
      ...options.map((value) => make("option", { value }, text(value))));
    const follow = () => { input.value = model.get(trait); };
    ui.listen(input, "change", () => ui.set(trait, Number(input.value)));
    ui.watch(trait, follow);
    above.append(make("label", { class: "course-check" }, make("span", {}, label), input));
    follow();
    return input;
  }
  const searches = [
    choice("beam_size", "Search", [1, 2, 4, 8, 16], (v) => (v === 1 ? "greedy" : `beam of ${v}`)),
    choice("length_normalisation", "Length normalisation", [0, 0.5, 1]),
    choice("coverage", "Coverage", [0, 0.01, 0.03, 0.1, 0.3]),
  ];
  const right = ui.row("course-buttons");
  ui.checkbox(right, "told", "tell it the right text:");
  const textInput = right.appendChild(make("input", {
    type: "text", "data-trait": "text", "aria-label": "The right text", class: "player-right", placeholder: "what is said, if you know it", spellcheck: "false",
  }));
  const setText = () => { if (textInput.value.trim() !== model.get("text")) ui.set("text", textInput.value.trim()); };
  ui.listen(textInput, "change", setText);
  // JupyterLab keeps the Enter that would tell of a change.
  ui.listen(textInput, "keydown", (event) => { if (event.key === "Enter") setText(); });
  const showText = () => { textInput.value = model.get("text"); };
  ui.watch("text", showText);

  const written = ui.root.appendChild(make("div", {
    class: "player-text", role: "group", tabindex: "0",
    "aria-label": "The text, token by token. Left and right arrow choose a token and play what it looked at.",
  }));
  const plays = ui.row("course-buttons");
  const allButton = ui.button(plays, "hear-all", "", () => (sound.isOn() && piece.all ? quiet() : hear(0, clip().seconds)));
  const pieceButton = ui.button(plays, "hear-token", "", () => (sound.isOn() && !piece.all ? quiet() : hearToken()));
  ui.checkbox(plays, "slow", "half speed");
  const stage = createStage(ui, ui.root,
    "Spectrogram; below it the attention of every token, one row each; below that the weights of the chosen token. " +
    "Left and right arrow choose a token and play what it looked at, Enter plays it again, Space plays all.");
  const sliders = ui.row("course-sliders");
  const position = () => (answer.tokens.length ? `${chosen() + 1}: ${answer.tokens[chosen()].name}` : "");
  const range = ui.slider(sliders, { trait: "token", label: "Token", step: 1, text: position });
  const best = ui.root.appendChild(make("div", { class: "player-best", role: "group", "aria-label": "The most probable tokens at this place" }));

  // What is heard: a piece of the clip, from its beginning to its end.
  let [piece, clock, began, pace] = [{ from: 0, to: 0 }, null, 0, 1];
  const sound = createSound(ui.root, (context, output) => {
    clock = context;
    let node = null;
    let last = null;
    return () => {
      if (last === piece) return;
      last = piece;
      if (node) {
        node.onended = null;
        node.stop();
      }
      const { samples, rate } = clip();
      const cut = samples.slice(Math.round(piece.from * rate), Math.max(Math.round(piece.to * rate), Math.round(piece.from * rate) + 2));
      const ramp = Math.min(Math.round(0.01 * rate), cut.length >> 1);
      for (let n = 0; n < ramp; n += 1) {
        cut[n] *= n / ramp;
        cut[cut.length - 1 - n] *= n / ramp;
      }
      const buffer = new AudioBuffer({ length: cut.length, sampleRate: rate, numberOfChannels: 1 });
      buffer.copyToChannel(cut, 0);
      pace = model.get("slow") ? 0.5 : 1;
      node = new AudioBufferSourceNode(context, { buffer, playbackRate: pace });
      node.connect(output);
      began = context.currentTime;
      node.onended = quiet;
      node.start();
    };
  }, () => 1);
  function hear(from, to) {
    notice = "";
    piece = { from, to, all: to - from >= clip().seconds - 1e-9 };
    if (sound.isOn()) sound.update();
    else sound.start();
    at = from;
    ui.play(true);
    show();
  }
  function hearToken() {
    const one = answer.tokens[chosen()];
    if (one) hear(one.from, one.to);
  }
  function quiet() {
    sound.stop();
    if (ui.isPlaying()) at = null;
    ui.play(false);
    show();
  }
  function show() {
    const all = sound.isOn() && piece.all;
    allButton.textContent = all ? "■ Stop" : "▶ Play all";
    allButton.setAttribute("aria-pressed", all);
    const part = sound.isOn() && !piece.all;
    pieceButton.textContent = part ? "■ Stop" : "▶ Play the token's piece";
    pieceButton.setAttribute("aria-pressed", part);
  }
  scene.advance = () => {
    if (!sound.isOn()) return;
    at = Math.min(piece.to, piece.from + (clock.currentTime - began) * pace);
    // While all of it sounds, the token that is read now is the chosen one.
    if (piece.all && answer.tokens.length && !isStale()) set(readAt(answer, at).lit);
  };

  function set(token) {
    if (token !== model.get("token")) ui.set("token", token);
  }
  function choose(token) {
    if (!answer.tokens.length) return;
    set(clamp(token, 0, answer.tokens.length - 1));
    hearToken();
  }

  // The text, written anew with every answer.
  function write() {
    written.replaceChildren(...answer.tokens.map((one, u) => {
      const node = make("span", { "data-token": u }, one.name);
      if (one.name === "␣") node.classList.add("player-space");
      if (one.name === answer.end) node.classList.add("player-end");
      else if (answer.words) node.classList.add("player-word");
      const about = [`token ${u + 1}, p = ${one.p.toFixed(2)}`];
      if (one.wrong) {
        node.classList.add("player-wrong");
        about.push(model.get("told") ? `it would have chosen ${one.best[0][0]}` : "wrong");
      }
      if (one.loop) {
        node.classList.add("player-loop");
        about.push("it looks where an earlier token had looked");
      }
      node.title = about.join("; ");
      return node;
    }));
  }
  function light() {
    const { lit, glow } = at === null || !answer.tokens.length ? { lit: -1, glow: [] } : readAt(answer, at);
    [...written.children].forEach((node, u) => {
      node.style.setProperty("--glow", (u === lit ? Math.max(0.45, glow[u]) : glow[u] ?? 0).toFixed(2));
      node.classList.toggle("player-lit", u === lit);
      node.classList.toggle("player-chosen", u === chosen());
    });
    return lit;
  }
  let listed = "";
  function list() {
    const one = answer.tokens[chosen()];
    const text = JSON.stringify(one?.best ?? []);
    if (text === listed) return;
    listed = text;
    best.replaceChildren(...(one?.best ?? []).map(([name, p]) => {
      const own = name === one.name;
      return make("div", { class: own ? "player-own" : "", style: `--share: ${100 * p}%` },
        make("b", {}, name), make("span", {}, p < 0.0005 ? "< 0.1 %" : `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)} %`));
    }));
  }

  scene.draw = () => {
    if (!stage.width) return;
    const stale = isStale() && !answer.problem;
    stage.draw({ answer, seconds: clip().seconds, token: chosen(), at, playing: sound.isOn(), stale });
    const lit = light();
    list();
    report(stale, lit);
  };

  const figures = ui.figures();
  let waiting = 0;
  function report(stale, lit) {
    const one = answer.tokens[chosen()];
    ui.root.dataset.probe = JSON.stringify({
      token: chosen(), lit, at, stale, tokens: answer.tokens.map(({ name }) => name), from: one?.from, to: one?.to, peak: one?.peak,
      loops: answer.loops, skips: answer.skips, key: answer.key,
    });
    range.max = Math.max(1, answer.tokens.length - 1);
    range.value = chosen();
    range.setAttribute("aria-valuetext", position());
    range.previousElementSibling.textContent = position();
    range.style.setProperty("--share", `${100 * chosen() / range.max}%`);
    for (const input of searches) input.disabled = model.get("told") || (input !== searches[0] && model.get("beam_size") === 1);
    figures([
      ["token", one ? `${one.name}, ${chosen() + 1} of ${answer.tokens.length}` : "–"],
      ["its probability", one ? one.p.toFixed(3) : "–"],
      ["it looked at", one ? `${one.from.toFixed(2)} to ${one.to.toFixed(2)} s` : "–"],
      ["ln P of the text", one ? answer.log_p.toFixed(2).replace("-", "−") : "–"],
      ["errors", `${answer.errors ?? "–"}`],
    ]);
    if (stale && !waiting) waiting = setTimeout(ui.redraw, 3000);
    if (!stale) {
      clearTimeout(waiting);
      waiting = 0;
    }
    const problem = answer.tokens.length ? "" : answer.problem;
    ui.tell(notice || problem || (stale ? "The speller is at work. (It needs the running kernel; while a cell runs, it has to wait.)" : `${clip().note}${answer.said}`));
  }

  ui.root.append(ui.status);
  const intake = createIntake(ui, model, ui.row("course-buttons"), {
    quiet, doing: "read",
    say: (text) => { notice = text; ui.redraw(); },
  });
  scene.leave = () => {
    quiet();
    intake.cancel();
  };
  // In the picture: a row is a token; above and below, the cursor is moved by hand.
  let scrubbing = false;
  ui.drag(stage.node, (x, y, event) => {
    if (event.type === "pointerdown") {
      const row = stage.rowAt(y);
      scrubbing = row === null;
      if (row !== null) return choose(row);
      quiet();
    }
    if (!scrubbing) {
      const row = stage.rowAt(y);
      if (row !== null && row !== chosen()) choose(row);
      return;
    }
    at = stage.toTime(x);
    if (answer.tokens.length) set(readAt(answer, at).lit);
    ui.redraw();
  });
  ui.listen(written, "click", (event) => {
    const node = event.target.closest("[data-token]");
    if (node) choose(Number(node.dataset.token));
  });
  const moves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  for (const node of [stage.node, written]) ui.listen(node, "keydown", (event) => {
    if (event.key in moves) choose(chosen() + moves[event.key]);
    else if (event.key === "Home") choose(0);
    else if (event.key === "End") choose(answer.tokens.length - 1);
    else if (event.key === "Enter") hearToken();
    else if (event.key === " ") allButton.click();
    else return;
    event.preventDefault();
  });

  function renew() {
    clips = readClips(model);
    clipInput.replaceChildren(...[...clips.keys()].map((name) => make("option", { value: name }, name)));
    clipInput.value = model.get("clip");
    ui.redraw();
  }
  function take() {
    answer = readAnswer(model);
    notice = answer.tokens.length ? answer.problem : ""; // of a sound that was not taken
    write();
    ui.redraw();
  }
  for (const trait of ["_clips", "_samples"]) ui.watch(trait, renew);
  ui.watch("_answer", take);
  for (const trait of SETTING) ui.watch(trait, () => { quiet(); notice = ""; ui.redraw(); });
  for (const trait of ["token", "slow"]) ui.watch(trait, ui.redraw);
  renew();
  take();
  showText();
  quiet();
  return ui.close;
}

export default { render };
