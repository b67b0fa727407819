function render({ model, el }) {
  const ui = createExplorer({ model, el }, "attention", "Where the model looked");
  const { colours, scene } = ui;
  const clips = readClips(model);
  const [margin, join] = [model.get("_margin_s"), model.get("_join_s")];

  // What was heard, by clip: the picture, the words, and what each model wrote, with its weights.
  const heard = new Map();
  const bytes = (view, from, count) => view.buffer.slice(view.byteOffset + from, view.byteOffset + from + count);
  let [pixelAt, weightAt] = [0, 0];
  for (const [name, [frames, bands], words, looks] of model.get("_heard")) {
    const image = make("canvas", { width: frames, height: bands });
    const pen = image.getContext("2d");
    const picture = pen.createImageData(frames, bands);
    const values = new Uint8Array(bytes(model.get("_pictures"), pixelAt, frames * bands));
    pixelAt += frames * bands;
    values.forEach((value, i) => {
      const [frame, band] = [Math.floor(i / bands), i % bands];
      picture.data.set([...COLOURS[value], 255], 4 * ((bands - 1 - band) * frames + frame));
    });
    pen.putImageData(picture, 0, 0);
    const models = new Map(looks.map(([look, tokens, places, placeS, aligned]) => {
      const count = tokens.length * places;
      const numbers = new Uint16Array(bytes(model.get("_weights"), 2 * weightAt, 2 * count));
      weightAt += count;
      const rows = tokens.map((_, u) =>
        Array.from(numbers.subarray(u * places, (u + 1) * places), (v) => v / 65535));
      return [look, { tokens, placeS, aligned, rows, peaks: rows.map((row) => row.indexOf(Math.max(...row))) }];
    }));
    heard.set(name, { image, words, models });
  }

  const now = () => {
    const clip = clips.get(model.get("clip"));
    const { image, words, models } = heard.get(model.get("clip"));
    const look = models.get(model.get("look"));
    const token = Math.min(model.get("token"), look.tokens.length - 1);
    const weights = look.rows[token];
    const peak = look.peaks[token];
    let [first, last] = [peak, peak];
    const near = (a, b) => Math.abs(a - b) * look.placeS <= join && weights[b] >= weights[peak] / 10;
    for (let j = peak - 1; j >= 0; j -= 1) if (near(first, j)) first = j;
    for (let j = peak + 1; j < weights.length; j += 1) if (near(last, j)) last = j;
    const word = look.aligned[token] === null ? null : words[look.aligned[token]];
    const slack = look.placeS / 2;
    const inside = word ? weights.reduce((sum, w, j) => {
      const t = j * look.placeS;
      return t >= word[1] - slack && t <= word[2] + slack ? sum + w : sum;
    }, 0) : 0;
    return {
      ...clip, image, words, look, token, weights, word, inside, peak: peak * look.placeS, highest: weights[peak],
      from: Math.max(0, (first - 0.5) * look.placeS - margin),
      to: Math.min(clip.seconds, (last + 0.5) * look.placeS + margin),
    };
  };

  const stage = ui.canvas(ui.root, "attention-canvas", 470,
    "The sound as the network sees it, below it the weights of the chosen token, and below that the weights of " +
    "all tokens, one row each. Point at a row or a place; left and right arrows choose a token, Enter plays its stretch.");
  stage.node.classList.add("course-draggable");
  stage.node.tabIndex = 0;
  const [left, right] = [64, () => stage.width - 12];
  const [top, bottom, curveTop, curveBottom, rowsTop, rowsBottom] = [42, 178, 208, 264, 290, 434];
  const rowHeight = (state) => Math.min(22, (rowsBottom - rowsTop) / state.look.tokens.length);

  scene.draw = () => {
    if (!stage.width) return;
    const state = now();
    const { image, words, look, token, weights, word, peak, highest, seconds } = state;
    const pen = stage.begin();
    const toX = (t) => left + t / seconds * (right() - left);
    const lost = words.length ? "no true place belongs to it" : "its true place is not known";
    const ink = (alpha) => {
      pen.strokeStyle = pen.fillStyle = colours.ink;
      pen.globalAlpha = alpha;
      pen.lineWidth = 1;
    };
    ink(0.75);
    pen.fillText("what is there; what the network sees of it, bright where it looks now", left, 12);
    pen.textAlign = "center";
    for (const item of words) {
      const own = item === word;
      ink(own ? 1 : 0.7);
      pen.font = pen.font.replace(/^(bold )?/, own ? "bold " : "");
      pen.fillText(item[0], toX((item[1] + item[2]) / 2), 30);
      pen.lineWidth = own ? 4 : 1.5;
      line(pen, toX(item[1]) + 1, 37, toX(item[2]) - 1, 37);
    }
    pen.font = pen.font.replace("bold ", "");

    pen.globalAlpha = 1;
    pen.imageSmoothingEnabled = false;
    pen.drawImage(image, left, top, right() - left, bottom - top);
    pen.fillStyle = "#000";
    weights.forEach((w, j) => {
      const [from, to] = [toX(Math.max(0, (j - 0.5) * look.placeS)), toX(Math.min(seconds, (j + 0.5) * look.placeS))];
      pen.globalAlpha = 0.72 * (1 - w / highest);
      if (to > from) pen.fillRect(from, top, to - from, bottom - top);
    });

    // The true place, then the weights over it.
    if (word) {
      ink(0.13);
      pen.fillRect(toX(word[1]), curveTop - 8, toX(word[2]) - toX(word[1]), curveBottom - curveTop + 8);
    }
    ink(0.75);
    pen.textAlign = "left";
    pen.fillText(`weights of token ${token + 1}, ${look.tokens[token]}` + (word ? `; shaded: the true place of ${word[0]}` : `; ${lost}`), left, curveTop - 12);
    pen.textAlign = "right";
    pen.fillText(highest.toFixed(2), left - 6, curveTop + 5);
    pen.fillText("0", left - 6, curveBottom + 4);
    ink(0.4);
    line(pen, left, curveBottom, right(), curveBottom);
    const toY = (w) => curveBottom - w / highest * (curveBottom - curveTop);
    const path = () => weights.forEach((w, j) => pen.lineTo(toX(j * look.placeS), toY(w)));
    pen.fillStyle = pen.strokeStyle = colours.blue;
    pen.globalAlpha = 0.25;
    pen.beginPath();
    pen.moveTo(left, curveBottom);
    path();
    pen.lineTo(toX((weights.length - 1) * look.placeS), curveBottom);
    pen.fill();
    pen.globalAlpha = 1;
    pen.lineWidth = 2;
    pen.beginPath();
    path();
    pen.stroke();
    pen.fillStyle = pen.strokeStyle = colours.red;
    dot(pen, toX(peak), toY(highest), 5);

    // One row a token.
    ink(0.75);
    pen.textAlign = "left";
    pen.fillText("all tokens, from the first to the last, each with its weights", left, rowsTop - 8);
    const high = rowHeight(state);
    look.rows.forEach((row, u) => {
      const most = Math.max(...row);
      pen.fillStyle = colours.ink;
      row.forEach((w, j) => {
        if (w < 0.02 * most) return;
        const [from, to] = [toX(Math.max(0, (j - 0.5) * look.placeS)), toX(Math.min(seconds, (j + 0.5) * look.placeS))];
        pen.globalAlpha = w / most * (0.35 + 0.65 * most);
        pen.fillRect(from, rowsTop + u * high, to - from, high - 1);
      });
      // Where rows are too low for text, only the chosen one has its name.
      if (high < 9 && u !== token) return;
      ink(u === token ? 1 : 0.7);
      pen.textAlign = "right";
      pen.font = pen.font.replace(/^(bold )?[\d.]+px/, `${u === token ? "bold 12" : Math.min(12, high)}px`);
      pen.fillText(look.tokens[u], left - 6, rowsTop + (u + 0.5) * high + 4);
    });
    pen.font = pen.font.replace(/^(bold )?[\d.]+px/, "12px");
    pen.globalAlpha = 1;
    pen.strokeStyle = colours.red;
    pen.lineWidth = 2;
    pen.strokeRect(left, rowsTop + token * high - 1, right() - left, high + 1);
    pen.globalAlpha = 0.8;
    pen.lineWidth = 1.25;
    pen.setLineDash([4, 4]);
    line(pen, toX(peak), top, toX(peak), rowsTop + token * high);
    pen.setLineDash([]);

    ink(0.75);
    pen.textAlign = "center";
    const step = [0.1, 0.2, 0.5, 1, 2].find((s) => seconds / s <= 10) ?? 5;
    for (let i = 0; i * step <= seconds; i += 1) {
      line(pen, toX(i * step), rowsBottom + 4, toX(i * step), rowsBottom + 8);
      pen.fillText(`${Number((i * step).toFixed(1))} s`, toX(i * step), rowsBottom + 22);
    }
    pen.textAlign = "left";
    const playing = ui.isPlaying() ? player.position() : null;
    if (playing !== null) {
      pen.globalAlpha = 1;
      pen.strokeStyle = colours.red;
      pen.lineWidth = 2.5;
      line(pen, toX(Math.min(playing, seconds)), 20, toX(Math.min(playing, seconds)), rowsBottom);
    }
    report(state);
  };

  const figures = ui.figures();
  function report(state) {
    const { words, look, token, word, peak, highest, inside, from, to } = state;
    ui.root.dataset.probe = JSON.stringify({ token, peak, from, to, inside, highest });
    // The slider ends where this model's tokens end.
    range.max = look.tokens.length - 1;
    range.value = token;
    range.style.setProperty("--share", `${100 * token / Math.max(1, range.max)}%`);
    figures([
      ["token", `${look.tokens[token]}, ${token + 1} of ${look.tokens.length}`],
      ["peak at", `${peak.toFixed(2)} s`],
      ["weight there", highest.toFixed(2)],
      ["it looked at", `${from.toFixed(2)} to ${to.toFixed(2)} s`],
      ["true place", word ? `${word[0]}, ${word[1].toFixed(2)} to ${word[2].toFixed(2)} s` : words.length ? "none" : "not known"],
      ["weight inside it", word ? `${(100 * inside).toFixed(0)} %` : "–"],
    ]);
    ui.tell(`It wrote ${look.tokens.join(" ")}. Token ${token + 1}, ${look.tokens[token]}: the weights are largest at ` +
      `${peak.toFixed(2)} s; ` + (word ? `${(100 * inside).toFixed(0)} % of them lie in the true place of ${word[0]}, ` +
      `${word[1].toFixed(2)} to ${word[2].toFixed(2)} s.` :
      words.length ? "nothing that is there belongs to it." : "what lies where is not known."));
  }

  // One player for both: all of the clip, or the stretch of a token, cut out and faded.
  let cut = null;
  function stretch() {
    const { samples, rate, from, to } = now();
    const piece = samples.slice(Math.round(from * rate), Math.round(to * rate));
    const ramp = Math.min(Math.round(0.01 * rate), piece.length >> 1);
    for (let n = 0; n < ramp; n += 1) {
      piece[n] *= n / ramp;
      piece[piece.length - 1 - n] *= n / ramp;
    }
    return { samples: piece, rate };
  }
  const player = createPlayer(ui.root, () => cut ?? clips.get(model.get("clip")), () => quiet());
  const piece = createSound(ui.root, (context, output) => {
    let node = null;
    const play = () => {
      node?.stop();
      const { samples, rate } = stretch();
      const buffer = new AudioBuffer({ length: samples.length, sampleRate: rate, numberOfChannels: 1 });
      buffer.copyToChannel(samples, 0);
      node = new AudioBufferSourceNode(context, { buffer });
      node.connect(output);
      node.start();
    };
    return play;
  }, () => 1);
  function quiet() {
    player.stop();
    piece.stop();
    ui.play(false);
    show();
  }
  function show() {
    allButton.textContent = ui.isPlaying() ? "■ Stop" : "▶ Hear all";
    allButton.setAttribute("aria-pressed", ui.isPlaying());
    pieceButton.textContent = piece.isOn() ? "■ Stop listening along" : "▶ Hear what it looked at";
    pieceButton.setAttribute("aria-pressed", piece.isOn());
  }

  function choose(token) {
    const before = now().token;
    const wanted = clamp(token, 0, now().look.tokens.length - 1);
    if (wanted === before && model.get("token") === wanted) return;
    ui.set("token", wanted);
  }

  const buttons = ui.row("course-buttons");
  ui.select(buttons, { trait: "clip", label: "Clip", options: [...clips.keys()].map((name) => [name, name]) });
  const looks = [...heard.values().next().value.models.keys()];
  ui.select(buttons, { trait: "look", label: "Model", options: looks.map((name) => [name, name]) });
  const pieceButton = ui.button(buttons, "hear-stretch", "", () => {
    const wanted = !piece.isOn();
    quiet();
    if (wanted) piece.start();
    show();
  });
  const allButton = ui.button(buttons, "hear-all", "", () => {
    const wanted = !ui.isPlaying();
    quiet();
    if (wanted) {
      player.start(0);
      ui.play(true);
    }
    show();
  });
  // While all of it sounds, the token is chosen that looked nearest to this moment.
  scene.advance = () => {
    if (!player.isOn()) return;
    const { look } = now();
    const t = player.position();
    const away = look.peaks.map((peak) => Math.abs(peak * look.placeS - t));
    choose(away.indexOf(Math.min(...away)));
  };
  scene.leave = quiet;

  const sliders = ui.row("course-sliders");
  const range = ui.slider(sliders, {
    trait: "token", label: "Token", step: 1,
    text: (v) => { const { look } = now(); const u = Math.min(v, look.tokens.length - 1); return `${u + 1}: ${look.tokens[u]}`; },
  });
  ui.root.append(ui.status);

  function point(x, y) {
    if (ui.isPlaying()) return;
    const state = now();
    if (y >= rowsTop - 4) return choose(Math.floor((y - rowsTop) / rowHeight(state)));
    const t = (x - left) / (right() - left) * state.seconds;
    const away = state.look.peaks.map((peak) => Math.abs(peak * state.look.placeS - t));
    choose(away.indexOf(Math.min(...away)));
  }
  ui.drag(stage.node, point);
  ui.listen(stage.node, "pointermove", (event) => {
    if (event.pointerType !== "mouse") return;
    const box = stage.node.getBoundingClientRect();
    point(event.clientX - box.left, event.clientY - box.top);
  });
  const moves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  ui.listen(stage.node, "keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      if (piece.isOn()) piece.update();
      else pieceButton.click();
    }
    if (!(event.key in moves)) return;
    event.preventDefault();
    choose(now().token + moves[event.key]);
  });
  ui.watch("token", () => { piece.update(); ui.redraw(); });
  for (const trait of ["clip", "look"]) ui.watch(trait, () => { quiet(); ui.redraw(); });
  quiet();
  return ui.close;
}

export default { render };
