const GREEN = { light: "#007a5a", dark: "#3ccfa4" }; // the language model's
const DASHES = { blank: [5, 4], repeat: [1.5, 3], grow: [] };
const [TOP, CUT] = [24, 24];

const minus = (text) => text.replace("-", "−");
const log = (value) => minus(value.toFixed(2));
const mass = ({ blank, label }) => blank + label;
function chance(p, digits = 1) {
  if (p === 0) return "0";
  if (p < 0.001) return p.toExponential(digits).replace("e-", "e−");
  return p < 0.9995 ? p.toFixed(p < 0.01 ? 4 : 3).slice(1) : p.toFixed(2);
}

function ink(pen, colour, alpha) {
  pen.fillStyle = pen.strokeStyle = colour;
  pen.globalAlpha = alpha;
}
function font(pen, text) {
  pen.font = pen.font.replace(/^(bold )?[\d.]+px/, text);
}
// A long text loses its beginning.
function fit(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  let cut = text;
  while (cut.length > 1 && pen.measureText(`…${cut}`).width > width) cut = cut.slice(1);
  return `…${cut}`;
}

// "p_b" and "p_nb" with their indices below the line.
const formula = (text) => text.split(/(p_nb|p_b)/).map((part) =>
  (part.startsWith("p_") ? make("span", {}, "p", make("sub", {}, part.slice(2))) : part));
const paragraph = (text) => make("p", {}, ...formula(text));
function table(name, rows) {
  const cells = (row, k) => make("tr", {}, ...row.map((text, j) => make(k && j ? "td" : "th", {}, ...formula(text))));
  return make("table", { class: name }, make("tbody", {}, ...rows.map(cells)));
}

// The picture of one step. `state()` gives the search, the frame, the last column and its chosen row.
function createBeamStage(ui, surface, { names, spell, state }) {
  const { colours } = ui;

  // The last two columns have their numbers; older ones, where there is room, are names only.
  function layout() {
    const { plan, t } = state();
    const gap = clamp(surface.width * 0.15, 54, 150);
    const full = Math.min(260, (surface.width - gap - 2) / 2);
    const narrow = full < 205;
    const high = 35 + (narrow ? 13 : 0) + (plan.withLM ? 24 : 0);
    const places = [{ t, x: surface.width - full - 1, width: full }];
    if (t > 0) places.push({ t: t - 1, x: surface.width - 2 * full - gap, width: full });
    for (let at = t - 2, x = places.at(-1).x - 100; at >= 0 && x >= 0; at -= 1, x -= 100) places.push({ t: at, x, width: 66 });
    return { gap, full, narrow, high, places };
  }
  const rowTop = ({ high }, k, kept = Infinity) => TOP + k * high + (k >= kept ? CUT : 0);

  let hatch = null;
  function hatching(pen) {
    if (hatch?.colour === colours.red) return hatch.pattern;
    const tile = make("canvas", { width: 6, height: 6 });
    const brush = tile.getContext("2d");
    brush.strokeStyle = brush.fillStyle = colours.red;
    brush.globalAlpha = 0.3;
    brush.fillRect(0, 0, 6, 6);
    brush.globalAlpha = 1;
    brush.lineWidth = 1.6;
    for (const shift of [-6, 0, 6]) line(brush, shift, 6, shift + 6, 0);
    hatch = { colour: colours.red, pattern: pen.createPattern(tile, "repeat") };
    return hatch.pattern;
  }
  function segment(pen, kind, x, y, width, high) {
    if (!(width > 0)) return;
    pen.fillStyle = kind === "blank" ? hatching(pen) : colours.blue;
    pen.fillRect(x, y, width, high);
    pen.strokeStyle = kind === "blank" ? colours.red : colours.blue;
    pen.lineWidth = 1;
    pen.strokeRect(x + 0.5, y + 0.5, Math.max(0, width - 1), high - 1);
  }
  function bars(pen, entry, x, y, scale, high) {
    segment(pen, "blank", x, y, entry.blank * scale, high);
    segment(pen, "label", x + entry.blank * scale, y, entry.label * scale, high);
  }

  // A prefix with its two probabilities: bars that add up, and their numbers.
  function drawPrefix(pen, { full, narrow, high }, x, { entry, top, fell, own, most, best, withLM }) {
    const right = x + full;
    const faint = fell ? 0.75 : 1;
    pen.lineWidth = own ? 2.5 : 1;
    ink(pen, colours.ink, own ? 1 : 0.35);
    if (fell) pen.setLineDash([2, 3]);
    pen.strokeRect(x, top + 1, full, high - 4);
    pen.setLineDash([]);
    ink(pen, colours.ink, faint);
    const base = top + (narrow ? 28 : 15);
    const sum = `= ${chance(mass(entry))}`;
    const start = narrow ? x + 6 : right - 164;
    const step = narrow ? (full - 14) / 3 : 56;
    pen.textAlign = "right";
    pen.fillText(sum, right - 6, base, narrow ? step : 50);
    pen.textAlign = "left";
    font(pen, "11px");
    for (const [k, kind] of ["blank", "label"].entries()) {
      const at = start + k * step;
      segment(pen, kind, at, base - 8, 8, 9);
      ink(pen, colours.ink, faint);
      pen.fillText(`${chance(entry[kind], 0)}${k || narrow ? "" : " +"}`, at + 11, base, step - 12);
    }
    font(pen, fell ? "12px" : "bold 13px");
    pen.fillText(fit(pen, spell(entry.tokens), (narrow ? right : start) - x - 12), x + 6, top + 15);
    font(pen, "12px");
    pen.globalAlpha = fell ? 0.5 : 1;
    bars(pen, entry, x + 6, base + 5, (full - 12) / most, 9);
    if (!withLM) return;
    // The language model's share; and where the score stands below the best one.
    ink(pen, colours.ink, faint);
    font(pen, "11px");
    const share = `LM ${log(entry.share)}`;
    pen.fillText(narrow ? share : `ln p ${log(Math.log(mass(entry)))}, ${share}`, x + 6, base + 26);
    pen.textAlign = "right";
    pen.fillText(narrow ? log(entry.score) : `score ${log(entry.score)}`, right - 6, base + 26);
    font(pen, "12px");
    ink(pen, colours.green, fell ? 0.5 : 1);
    pen.fillRect(x + 6, base + 30, Math.max(1, (full - 12) * Math.exp(entry.score - best)), 5);
  }

  function drawArrows(pen, at, { kept, rows }, own, y) {
    const { gap, full, high, places } = at;
    const strongest = Math.max(...rows.flatMap(({ arrows }) => arrows.map(({ value }) => value)));
    const labels = [];
    // The chosen one's last, over the others.
    const order = rows.map((_, k) => k).sort((a, b) => (a === own) - (b === own));
    for (const child of order) {
      const { arrows } = rows[child];
      const middle = rowTop(at, child, kept.length) + high / 2;
      for (const arrow of arrows) {
        const pair = arrows.some((one) => one !== arrow && one.from === arrow.from);
        const shift = pair ? (arrow.kind === "blank" ? -6 : 6) : 0;
        const [x1, x2] = [places[1].x + full, places[0].x];
        const [y1, y2] = [rowTop(at, arrow.from) + high / 2 + shift, middle + shift];
        const alpha = child < kept.length ? 0.45 : 0.25;
        ink(pen, arrow.kind === "blank" ? colours.red : colours.blue, child === own ? 1 : alpha);
        pen.lineWidth = child === own ? 2.5 : 1 + 2 * arrow.value / strongest;
        pen.setLineDash(DASHES[arrow.kind]);
        pen.beginPath();
        pen.moveTo(x1, y1);
        pen.bezierCurveTo(x1 + gap * 0.45, y1, x2 - gap * 0.5, y2, x2 - 7, y2);
        pen.stroke();
        pen.setLineDash([]);
        pen.beginPath();
        for (const [x, dy] of [[x2 - 1, 0], [x2 - 8, -4], [x2 - 8, 4]]) pen.lineTo(x, y2 + dy);
        pen.fill();
        if (child === own) labels.push([arrow, y1 + shift / 3]);
      }
      // Ways from two prefixes end in one: they are added up.
      if (new Set(arrows.map(({ from }) => from)).size > 1) {
        const x = places[0].x - 16;
        pen.clearRect(x - 7, middle - 7, 14, 14);
        ink(pen, colours.ink, child < kept.length ? 1 : 0.75);
        pen.lineWidth = child === own ? 2.25 : 1.25;
        pen.beginPath();
        pen.arc(x, middle, 6.5, 0, 2 * Math.PI);
        pen.stroke();
        line(pen, x - 3.5, middle, x + 3.5, middle);
        line(pen, x, middle - 3.5, x, middle + 3.5);
      }
    }
    // What each way of the chosen prefix does, where it leaves; labels don't lie over one another.
    if (gap < 100) return;
    const says = { blank: () => names[0], repeat: (name) => `${name} again`, grow: (name) => `+ ${name}` };
    let free = 0;
    pen.textAlign = "left";
    for (const [{ kind, token }, start] of labels.sort((a, b) => a[1] - b[1])) {
      const middle = Math.max(free, start);
      free = middle + 17;
      const text = `${says[kind](names[token])} · ${chance(y[token])}`;
      const [x, wide] = [places[1].x + full + 8, Math.min(pen.measureText(text).width, gap - 40)];
      pen.clearRect(x - 3, middle - 8, wide + 6, 16);
      ink(pen, colours.ink, 1);
      pen.fillText(text, x, middle + 4, wide);
    }
  }

  // Older beams; the prefixes that the chosen one comes from stand out.
  function drawHistory(pen, at, columns, chosen) {
    let line = new Set(chosen.arrows.map(({ from }) => from));
    for (let k = 1; k < at.places.length; k += 1) {
      const { t, x, width } = at.places[k];
      const { kept } = columns[t];
      const most = Math.max(...kept.map(mass));
      const left = at.places[k + 1];
      kept.forEach((entry, j) => {
        const top = rowTop(at, j);
        const own = line.has(j);
        if (k > 1) {
          pen.lineWidth = own ? 2 : 1;
          ink(pen, colours.ink, own ? 1 : 0.35);
          pen.strokeRect(x, top + 1, width, at.high - 4);
          ink(pen, colours.ink, own ? 1 : 0.75);
          font(pen, own ? "bold 12px" : "12px");
          pen.textAlign = "left";
          pen.fillText(fit(pen, spell(entry.tokens), width - 8), x + 4, top + 15);
          bars(pen, entry, x + 4, top + 20, (width - 8) / most, 8);
        }
        for (const { from } of left ? entry.arrows : []) {
          ink(pen, colours.ink, own ? 0.9 : 0.25);
          pen.lineWidth = own ? 1.75 : 1;
          const [x1, y1, y2] = [left.x + left.width, rowTop(at, from) + at.high / 2, top + at.high / 2];
          pen.beginPath();
          pen.moveTo(x1, y1);
          pen.bezierCurveTo((x1 + x) / 2, y1, (x1 + x) / 2, y2, x, y2);
          pen.stroke();
        }
      });
      line = new Set(kept.flatMap(({ arrows }, j) => (line.has(j) ? arrows.map(({ from }) => from) : [])));
    }
    font(pen, "12px");
  }

  function draw() {
    const { plan, t, last, own } = state();
    colours.green = GREEN[ui.root.dataset.tone] ?? GREEN.light;
    const at = layout();
    surface.height = TOP + plan.room * at.high + CUT + 16;
    const pen = surface.begin();
    const { x } = at.places[0];
    ink(pen, colours.ink, 0.85);
    for (const place of at.places) {
      const title = place.width < 100 ? `frame ${place.t}` : `after frame ${place.t}`;
      pen.fillText(place.t === 0 ? "before" : title, place.x, 13);
    }
    if (t === 0) {
      pen.textAlign = "right";
      const hint = at.narrow ? "Read a frame: →" : "Before the first frame there is one prefix, the empty one. Read a frame: →";
      pen.fillText(hint, x - 12, TOP + 20, x - 14);
    }
    drawHistory(pen, at, plan.columns, last.rows[own]);
    if (t > 0) drawArrows(pen, at, last, own, plan.rows[t - 1]);
    const before = t > 0 ? plan.columns[t - 1].kept : [];
    const most = Math.max(...[...before, ...last.rows].map(mass));
    [last.rows, before].forEach((rows, k) => rows.forEach((entry, j) => {
      const kept = k === 0 ? last.kept.length : Infinity;
      drawPrefix(pen, at, at.places[k].x, {
        entry, top: rowTop(at, j, kept), fell: j >= kept, own: k === 0 && j === own, most, best: rows[0].score, withLM: plan.withLM,
      });
    }));
    ink(pen, colours.ink, 0.9);
    pen.textAlign = "left";
    if (last.rest.length) {
      const y = rowTop(at, last.kept.length) + 4;
      pen.lineWidth = 1.5;
      pen.setLineDash([7, 4]);
      line(pen, x - 6, y, surface.width, y);
      pen.setLineDash([]);
      pen.fillText("✂ these fall off the beam", x, y + 15, at.full);
    }
    if (last.more.length) {
      const sum = last.more.reduce((all, entry) => all + mass(entry), 0);
      pen.fillText(`and ${last.more.length} more, together ${chance(sum)}`, x, surface.height - 4, at.full);
    }
  }

  // Which row of the last column lies there; null where none does.
  function rowAt(x, y) {
    const { last } = state();
    const at = layout();
    const found = last.rows.findIndex((_, k) => y >= rowTop(at, k, last.kept.length) && y < rowTop(at, k, last.kept.length) + at.high);
    return x < at.places[0].x - 30 || found < 0 ? null : found;
  }

  return { draw, rowAt };
}
