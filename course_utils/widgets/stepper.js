const STEPS_PER_S = 12;

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
function ramp(stops) {
  const colours = stops.map(channels);
  return (share) => {
    const at = clamp(share, 0, 1) * (colours.length - 1);
    const below = Math.min(Math.floor(at), colours.length - 2);
    const mix = colours[below].map((c, i) => c + (at - below) * (colours[below + 1][i] - c));
    return mix.map(Math.round);
  };
}
const inputColour = ramp(["#000004", "#51127c", "#b73779", "#fc8961", "#fcfdbf"]);
const mapColour = ramp(["#b35806", "#f1a340", "#f7f7f7", "#998ec3", "#542788"]); // below 0, above

// A picture of one pixel a cell, row 0 at the bottom; no colour, no pixel.
function cells(across, up, colour) {
  const image = make("canvas", { width: across, height: up });
  const pen = image.getContext("2d");
  const picture = pen.createImageData(across, up);
  for (let y = 0; y < up; y += 1) for (let x = 0; x < across; x += 1) {
    const paint = colour(x, y);
    if (paint) picture.data.set([...paint, 255], 4 * ((up - 1 - y) * across + x));
  }
  pen.putImageData(picture, 0, 0);
  return image;
}

// Weights as rows of bands, from the lowest on; each row over frames.
function filterWeights(name, size, own) {
  const given = own.find(([other]) => other === name);
  const square = (weight) => Array.from({ length: size }, (_, band) =>
    Array.from({ length: size }, (_, frame) => weight(frame, band)));
  if (given) {
    const [, count, values] = given;
    const more = size - count;
    const shift = more <= 0 ? Math.floor(-more / 2) : -Math.floor(more / 2);
    return square((frame, band) => {
      const [f, b] = [frame + shift, band + shift];
      return f >= 0 && b >= 0 && f < count && b < count ? values[b * count + f] : 0;
    });
  }
  if (name === "blur") return square(() => 1 / size ** 2);
  const scale = Math.max(1, Math.floor(size / 2) * size);
  const edge = (k) => Math.sign(k - (size - 1) / 2) / scale;
  return square((frame, band) => edge(name === "onset edge" ? frame : band));
}

function render({ model, el }) {
  const ui = createExplorer({ model, el }, "stepper", "The convolution stepper");
  const { colours, scene } = ui;
  const pictures = new Map(model.get("_pictures").map(([name, frames, bands, values]) => [name, { frames, bands, values }]));
  const own = model.get("_filters");
  const names = ["onset edge", "band edge", "blur", ...own.map(([name]) => name)];

  // The whole feature map is made when a setting changes, not when the filter moves.
  let plan = null;
  function makePlan() {
    const [name, filter, F, S, P, D] = ["picture", "filter", "size", "stride", "padding", "dilation"].map((t) => model.get(t));
    const key = [name, filter, F, S, P, D].join();
    if (plan?.key === key) return;
    const { frames, bands, values } = pictures.get(name);
    const [wide, high] = [frames + 2 * P, bands + 2 * P];
    const at = (x, y) => (x < P || y < P || x >= frames + P || y >= bands + P ? 0 : values[(y - P) * frames + x - P]);
    const weights = filterWeights(filter, F, own);
    const places = (length) => Math.floor((length - D * (F - 1) - 1) / S) + 1;
    const [across, up] = [places(wide), places(high)];
    const taps = (frame, band) => weights.map((row, j) => row.map((_, k) => at(S * frame + D * k, S * band + D * j)));
    const value = (frame, band) => {
      let sum = 0;
      for (let j = 0; j < F; j += 1) for (let k = 0; k < F; k += 1) sum += weights[j][k] * at(S * frame + D * k, S * band + D * j);
      return sum;
    };
    const map = Float64Array.from({ length: across * up }, (_, i) => value(i % across, Math.floor(i / across)));
    const limit = map.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-9);
    const [low, top] = [Math.min(...values), Math.max(...values)];
    const inside = (x, y) => x >= P && y >= P && x < frames + P && y < bands + P;
    plan = {
      key, frames, bands, wide, high, inside, weights, across, up, taps, map, limit, F, S, P, D,
      inputImage: cells(wide, high, (x, y) => (inside(x, y) ? inputColour((at(x, y) - low) / (top - low || 1)) : null)),
      mapImage: cells(across, up, (x, y) => mapColour((map[y * across + x] / limit + 1) / 2)),
    };
  }
  const place = () => Math.min(model.get("place"), plan.across * plan.up - 1);
  const spot = () => [place() % plan.across, Math.floor(place() / plan.across)];

  const charts = ui.row("stepper-charts");
  const input = ui.canvas(charts, "stepper-input", 250,
    "The picture with its zeros around, and the filter on it. Drag the filter, or move it with the arrow keys.");
  const output = ui.canvas(charts, "stepper-output", 250,
    "The feature map as far as it is filled, and the value that is made now. Drag to choose another one.");
  input.node.classList.add("course-draggable");
  for (const { node } of [input, output]) node.tabIndex = 0;
  const products = ui.canvas(ui.root, "stepper-products", 172,
    "What is under the filter, times the weights of the filter, gives products; their sum is the value.");

  // Where a grid of `across` by `up` cells lies on a canvas: its left end, its bottom, its cell.
  function grid(surface, across, up) {
    const height = (surface.height - 44) / up;
    const width = Math.min((surface.width - 16) / across, 1.8 * height);
    return { left: 8, bottom: 24 + up * height, width, height };
  }
  const inputGrid = () => grid(input, plan.wide, plan.high);
  // Cells of one size on both sides: a map made with stride is a smaller picture.
  const outputGrid = () => {
    const { width, height } = inputGrid();
    return { left: 8, bottom: 24 + plan.up * height, width, height };
  };
  function box(pen, { left, bottom, width, height }, x, y, wide, high, colour, thick) {
    pen.strokeStyle = colour;
    pen.lineWidth = thick;
    pen.strokeRect(left + x * width, bottom - (y + high) * height, wide * width, high * height);
  }
  function title(pen, text, below, { left, bottom }) {
    pen.fillStyle = colours.ink;
    pen.globalAlpha = 0.85;
    pen.fillText(text, left, 14);
    pen.fillText(below, left, bottom + 15);
    pen.globalAlpha = 1;
  }

  function drawInput() {
    const pen = input.begin();
    const place = inputGrid();
    const { P, F, S, D, frames, bands, wide, high, inside } = plan;
    pen.imageSmoothingEnabled = false;
    pen.drawImage(plan.inputImage, place.left, 24, wide * place.width, high * place.height);
    pen.globalAlpha = 0.3;
    for (let y = 0; y < high; y += 1) for (let x = 0; x < wide; x += 1)
      if (!inside(x, y)) box(pen, place, x + 0.1, y + 0.1, 0.8, 0.8, colours.ink, 1);
    pen.globalAlpha = 1;
    const [frame, band] = spot();
    const span = D * (F - 1) + 1;
    for (const [colour, thick] of [["#000", 4], ["#fff", 2]]) {
      for (let j = 0; j < F; j += 1) for (let k = 0; k < F; k += 1)
        box(pen, place, S * frame + D * k, S * band + D * j, 1, 1, colour, thick * 0.75);
      box(pen, place, S * frame, S * band, span, span, colour, thick);
    }
    title(pen, `input: ${frames} frames × ${bands} bands${P ? `, padding ${P}` : ""}`, "frames →, bands ↑", place);
  }

  function drawOutput() {
    const pen = output.begin();
    const place = outputGrid();
    const { across, up, limit } = plan;
    const [frame, band] = spot();
    // Whole rows that are filled, and the part of one that is being filled.
    pen.imageSmoothingEnabled = false;
    for (const [from, rows, count] of [[0, band, across], [band, 1, frame + 1]]) if (rows) {
      pen.drawImage(plan.mapImage, 0, up - from - rows, count, rows,
        place.left, place.bottom - (from + rows) * place.height, count * place.width, rows * place.height);
    }
    pen.globalAlpha = 0.4;
    box(pen, place, 0, 0, across, up, colours.ink, 1);
    pen.globalAlpha = 1;
    box(pen, place, frame, band, 1, 1, "#000", 4);
    box(pen, place, frame, band, 1, 1, colours.red, 2.5);
    title(pen, `feature map: ${across} × ${up}`, `orange below 0, white 0, purple above; largest ${limit.toFixed(2)}`, place);
  }

  const signed = (v) => (v < -0.005 ? "−" : "") + Math.abs(v).toFixed(2);
  function drawProducts() {
    const pen = products.begin();
    const { F, weights, taps } = plan;
    const under = taps(...spot());
    const gap = F < 3 ? 64 : 26; // the titles need room
    const wide = clamp((products.width - 2 * gap - 110) / (3 * F), 14, 44);
    const high = Math.min(24, 118 / F);
    const small = `${clamp(Math.round(wide / 3.6), 7, 12)}px`;
    const font = pen.font;
    let left = 4;
    const blocks = [
      ["under the filter", (j, k) => under[j][k], "×"],
      ["weights", (j, k) => weights[j][k], "="],
      ["products", (j, k) => under[j][k] * weights[j][k], "→"],
    ];
    for (const [name, value, sign] of blocks) {
      pen.fillStyle = pen.strokeStyle = colours.ink;
      pen.globalAlpha = 0.85;
      pen.textAlign = "left";
      pen.fillText(name, left, 14);
      pen.textAlign = "center";
      pen.font = font.replace(/[\d.]+px/, small);
      for (let j = 0; j < F; j += 1) for (let k = 0; k < F; k += 1) {
        const y = 24 + (F - 1 - j) * high;
        pen.globalAlpha = 0.3;
        pen.lineWidth = 1;
        pen.strokeRect(left + k * wide, y, wide, high);
        pen.globalAlpha = 1;
        pen.fillText(signed(value(j, k)), left + (k + 0.5) * wide, y + high / 2 + 4);
      }
      pen.font = font;
      left += F * wide;
      pen.fillText(sign, left + gap / 2, 24 + F * high / 2 + 4);
      left += gap;
    }
    pen.textAlign = "left";
    pen.fillStyle = colours.ink;
    pen.fillText("sum", left, 14);
    pen.font = font.replace(/[\d.]+px/, "18px");
    pen.fillStyle = colours.red;
    pen.fillText(signed(plan.map[place()]), left, 24 + F * high / 2 + 6);
    pen.font = font;
  }

  scene.draw = () => {
    makePlan();
    drawInput();
    drawOutput();
    drawProducts();
    report();
  };

  const figures = ui.figures();
  function report() {
    const { F, S, P, D, frames, bands, across, up } = plan;
    const [frame, band] = spot();
    const value = plan.map[place()];
    const formula = (L, O) => `(${L} + 2·${P} − ${D}·(${F} − 1) − 1) // ${S} + 1 = ${O}`;
    ui.root.dataset.probe = JSON.stringify({ frame, band, value, across, up });
    figures([
      ["O over frames", formula(frames, across)],
      ["O over bands", formula(bands, up)],
      ["place", `${place() + 1} of ${across * up}`],
      ["weights", `${F * F}`],
    ]);
    ui.tell(`${model.get("filter")}, ${F} × ${F}, stride ${S}, padding ${P}, dilation ${D}: the feature map has ` +
      `${across} × ${up} places. At frame ${frame}, band ${band} of the map the products add up to ${signed(value)}.`);
  }

  const buttons = ui.row("course-buttons");
  ui.select(buttons, { trait: "picture", label: "Picture", options: [...pictures.keys()].map((name) => [name, name]) });
  ui.select(buttons, { trait: "filter", label: "Filter", options: names.map((name) => [name, name]) });
  const go = (to) => ui.set("place", clamp(to, 0, plan.across * plan.up - 1));
  const move = (to) => { play(false); go(to); };
  ui.button(buttons, "back", "◂ Back", () => move(place() - 1));
  ui.button(buttons, "step", "Step ▸", () => move(place() + 1));
  const playButton = ui.button(buttons, "play", "", () => {
    if (!ui.isPlaying() && place() === plan.across * plan.up - 1) go(0);
    play(!ui.isPlaying());
  });
  ui.button(buttons, "fill", "Fill the map", () => move(plan.across * plan.up - 1));
  let due = 0;
  function play(wanted) {
    due = 0;
    ui.play(wanted);
    playButton.textContent = wanted ? "❚❚ Stop" : "▶ Slide";
    playButton.setAttribute("aria-pressed", wanted);
  }
  scene.advance = (seconds) => {
    due += seconds * STEPS_PER_S;
    const steps = Math.floor(due);
    due -= steps;
    if (steps) go(place() + steps);
    if (place() === plan.across * plan.up - 1) play(false);
  };
  scene.leave = () => play(false);

  const sliders = ui.row("course-sliders");
  const texts = [
    ["size", "Filter size F", (v) => `${v} × ${v}`], ["stride", "Stride S", String],
    ["padding", "Padding P", String], ["dilation", "Dilation D", String],
  ];
  for (const [trait, label, text] of texts) ui.slider(sliders, { trait, label, step: 1, text });
  ui.root.append(ui.status);

  // The filter's middle follows the pointer.
  ui.drag(input.node, (x, y) => {
    const { width, height, left, bottom } = inputGrid();
    const middle = plan.D * (plan.F - 1) / 2 + 0.5;
    const nearest = (at, most) => clamp(Math.round((at - middle) / plan.S), 0, most - 1);
    move(nearest((bottom - y) / height, plan.up) * plan.across + nearest((x - left) / width, plan.across));
  });
  ui.drag(output.node, (x, y) => {
    const { width, height, left, bottom } = outputGrid();
    const index = (at, most) => clamp(Math.floor(at), 0, most - 1);
    move(index((bottom - y) / height, plan.up) * plan.across + index((x - left) / width, plan.across));
  });
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
  for (const { node } of [input, output]) {
    ui.listen(node, "keydown", (event) => {
      if (!(event.key in moves)) return;
      event.preventDefault();
      const [later, higher] = moves[event.key];
      const [frame, band] = spot();
      move(clamp(band + higher, 0, plan.up - 1) * plan.across + clamp(frame + later, 0, plan.across - 1));
    });
  }

  for (const trait of ["picture", "filter", "size", "stride", "padding", "dilation", "place"]) ui.watch(trait, ui.redraw);
  // A place that a smaller map has not: the filter goes to the middle.
  for (const trait of ["picture", "size", "stride", "padding", "dilation"]) ui.watch(trait, () => {
    makePlan();
    const count = plan.across * plan.up;
    if (model.get("place") >= count) ui.set("place", Math.floor(count / 2));
  });
  play(false);
  return ui.close;
}

export default { render };
