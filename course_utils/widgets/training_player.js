function render({ model, el }) {
  const ui = createExplorer({ model, el }, "training", "A network learns to hear");
  const { colours, scene } = ui;
  const clip = model.get("_clip");
  const moments = model.get("_moments");
  const view = model.get("_values");
  const values = new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength);
  const tokens = clip.names.length;
  const at = (moment, frame, token) => values[(moment * clip.frames + frame) * tokens + token] / 255;
  const [left, top, bottom, pause_s] = [34, 44, 30, 0.14];
  const stage = ui.canvas(ui.root, "training-canvas", 262,
    "Probability of each token over the time of the clip; the blank is dashed, the true places of the words are shaded.");

  // The greedy text stands for the picture where it cannot be seen.
  function report(moment) {
    const [step, loss, text] = moments[moment];
    let blank = 0;
    for (let t = 0; t < clip.frames; t += 1) blank += at(moment, t, 0) / clip.frames;
    figures([
      ["step", String(step)], ["loss", loss.toFixed(2)], ["blank", `${Math.round(100 * blank)} %`],
      ["reads", text || "(nothing)"],
    ]);
    ui.root.dataset.probe = JSON.stringify({ moment, step, blank });
    ui.tell(`Step ${step} of ${moments.at(-1)[0]}: the loss is ${loss.toFixed(2)}, the blank has ` +
      `${Math.round(100 * blank)} % of the probability, and the clip reads as ${text ? `"${text}"` : "nothing"}.`);
  }

  scene.draw = () => {
    const pen = stage.begin();
    const moment = model.get("moment");
    const [right, low] = [stage.width - 8, stage.height - bottom];
    const end_s = (clip.frames - 1) * clip.frame_s || 1;
    const toX = (seconds) => left + seconds / end_s * (right - left);
    const toY = (p) => low - p * (low - top);
    pen.textAlign = "center";
    for (const [word, start, end] of clip.words) {
      pen.globalAlpha = 0.14;
      pen.fillStyle = colours.blue;
      pen.fillRect(toX(start), top - 20, toX(end) - toX(start), low - top + 20);
      pen.globalAlpha = 0.9;
      pen.fillStyle = colours.ink;
      pen.fillText(word, toX((start + end) / 2), top - 26);
    }
    pen.strokeStyle = pen.fillStyle = colours.ink;
    pen.lineWidth = 1;
    pen.globalAlpha = 0.75;
    for (const p of [0, 0.5, 1]) {
      pen.textAlign = "right";
      pen.fillText(String(p), left - 6, toY(p) + 4);
      pen.globalAlpha = 0.25;
      line(pen, left, toY(p), right, toY(p));
      pen.globalAlpha = 0.75;
    }
    pen.textAlign = "center";
    for (let s = 0; s <= end_s; s += 0.5) pen.fillText(`${s} s`, Math.max(toX(s), left + 8), low + 18);
    pen.globalAlpha = 1;
    for (let token = 0; token < tokens; token += 1) {
      pen.strokeStyle = token ? clip.colours[token % clip.colours.length] : colours.ink;
      pen.setLineDash(token > clip.colours.length ? [9, 3, 2, 3] : token ? [] : [5, 4]);
      pen.lineWidth = token ? 2.2 : 1.4;
      pen.beginPath();
      const peaks = [];
      let hill = false;  // each hill above 0.3 has its name at the top
      for (let t = 0; t < clip.frames; t += 1) {
        const p = at(moment, t, token);
        if (p > 0.3 && !hill) peaks.push(t);
        hill = p > 0.3;
        if (hill && p > at(moment, peaks.at(-1), token)) peaks[peaks.length - 1] = t;
        pen.lineTo(toX(t * clip.frame_s), toY(p));
      }
      pen.stroke();
      pen.fillStyle = colours.ink;
      for (const t of token ? peaks : []) {
        pen.fillText(clip.names[token], toX(t * clip.frame_s), toY(at(moment, t, token)) - 4);
      }
    }
    pen.setLineDash([]);
    report(moment);
  };

  let waited = 0;
  scene.advance = (seconds) => {
    waited += seconds;
    if (waited < pause_s) return;
    waited = 0;
    const next = model.get("moment") + 1;
    if (next < moments.length) ui.set("moment", next);
    if (next >= moments.length - 1) play(false);
  };
  scene.leave = () => play(false);

  const figures = ui.figures();
  const buttons = ui.row("course-buttons");
  const playButton = ui.button(buttons, "play", "", () => play(!ui.isPlaying()));
  function play(wanted) {
    // At its end, the film begins again.
    if (wanted && model.get("moment") >= moments.length - 1) ui.set("moment", 0);
    ui.play(wanted);
    playButton.textContent = wanted ? "❚❚ Pause" : "▶ Play";
  }
  ui.slider(ui.row("course-sliders"), {
    trait: "moment", label: "Moment", step: 1, text: (v) => `step ${moments[v][0]}`,
  });
  ui.root.append(ui.status);
  ui.watch("moment", ui.redraw);
  play(false);
  return ui.close;
}

export default { render };
