function render({ model, el }) {
  const ui = createExplorer({ model, el }, "budget", "What a training costs");
  const { colours, scene } = ui;
  const most = model.get("_limits").devices[1];
  const read = (name) => model.get(name);
  const daysWith = (devices) => read("hours") * read("epochs") /
    (read("throughput") * devices * read("kept") ** Math.log2(devices)) / 24;

  const plain = (value) => (value >= 100 ? NUMBERS.format(value) : String(Number(value.toPrecision(3))));
  function span(days) {
    if (days < 1 / 24) return `${plain(1440 * days)} minutes`;
    if (days < 2) return `${plain(24 * days)} hours`;
    return days < 730 ? `${plain(days)} days` : `${plain(days / 365.25)} years`;
  }

  const stage = ui.canvas(ui.root, "budget-canvas", 290,
    "Days over the number of devices, both logarithmic: dotted without loss, blue with what each doubling loses, and the chosen number. Drag, or use the arrow keys.");
  stage.node.classList.add("course-draggable");
  stage.node.tabIndex = 0;
  const [left, top, bottom] = [64, 12, 250];
  const right = () => stage.width - 74;
  const octaves = Math.log2(most);
  const toX = (devices) => left + Math.log2(devices) / octaves * (right() - left);
  scene.draw = () => {
    const pen = stage.begin();
    const [low, high] = [daysWith(1) / most / 2, daysWith(1) * 2];
    const toY = (days) => bottom - Math.log(days / low) / Math.log(high / low) * (bottom - top);
    pen.fillStyle = pen.strokeStyle = colours.ink;
    pen.lineWidth = 1;
    for (let n = 1; n <= most; n *= 4) {
      pen.globalAlpha = 0.15;
      line(pen, toX(n), top, toX(n), bottom);
      pen.globalAlpha = 0.8;
      pen.textAlign = "center";
      pen.fillText(n, toX(n), bottom + 16);
    }
    pen.fillText("devices", (left + right()) / 2, bottom + 34);
    pen.textAlign = "right";
    for (let power = Math.ceil(Math.log10(low)); 10 ** power <= high; power += 1) {
      pen.globalAlpha = 0.8;
      pen.fillText(`${plain(10 ** power)} d`, left - 8, toY(10 ** power) + 4);
      pen.globalAlpha = 0.15;
      line(pen, left, toY(10 ** power), right(), toY(10 ** power));
    }
    pen.textAlign = "left";
    for (const [name, days] of read("_spans")) {
      if (days <= low || days >= high) continue;
      pen.globalAlpha = 0.5;
      pen.setLineDash([6, 4]);
      line(pen, left, toY(days), right(), toY(days));
      pen.setLineDash([]);
      pen.globalAlpha = 0.9;
      pen.fillText(name, right() + 6, toY(days) + 4);
    }
    pen.globalAlpha = 0.8;
    pen.setLineDash([2, 4]);
    line(pen, toX(1), toY(daysWith(1)), toX(most), toY(daysWith(1) / most));
    pen.setLineDash([]);
    pen.globalAlpha = 1;
    pen.strokeStyle = colours.blue;
    pen.lineWidth = 2.5;
    line(pen, toX(1), toY(daysWith(1)), toX(most), toY(daysWith(most)));
    pen.fillStyle = colours.red;
    const [x, y] = [toX(read("devices")), toY(daysWith(read("devices")))];
    dot(pen, x, y, 6.5);
    pen.fillStyle = colours.ink;
    pen.textAlign = x > (left + right()) / 2 ? "right" : "left";
    pen.fillText(span(daysWith(read("devices"))), x + (x > (left + right()) / 2 ? -12 : 12), y - 10);
    pen.textAlign = "left";
    report();
  };
  const choose = (devices) => ui.set("devices", clamp(Math.round(devices), 1, most));
  ui.drag(stage.node, (x) => choose(2 ** ((x - left) / (right() - left) * octaves)));
  ui.listen(stage.node, "keydown", (event) => {
    const factor = { ArrowLeft: 0.5, ArrowRight: 2 }[event.key];
    if (!factor) return;
    event.preventDefault();
    choose(read("devices") * factor);
  });

  const figures = ui.figures();
  function report() {
    const [n, days] = [read("devices"), daysWith(read("devices"))];
    const [paid, efficiency] = [24 * days * n, read("kept") ** Math.log2(n)];
    const cost = paid * read("price");
    ui.root.dataset.probe = JSON.stringify({ days, cost, devices: n, efficiency });
    figures([
      ["it takes", span(days)],
      ["device-hours", plain(paid)],
      ["efficiency", `${(100 * efficiency).toFixed(0)} %`],
      ["cost", plain(cost)],
    ]);
    ui.tell(`${plain(read("hours"))} hours of sound, ${plain(read("epochs"))} times, on ${n} ${n > 1 ? "devices" : "device"}: ` +
      `${span(days)}, ${plain(paid)} device-hours, ${plain(cost)} at ${plain(read("price"))} an hour.`);
  }

  const sliders = ui.row("course-sliders");
  const log = { step: 0.05, toPosition: (v) => Math.log10(v), toValue: (p) => Number((10 ** p).toPrecision(2)) };
  ui.slider(sliders, { trait: "hours", label: "Hours of sound", text: (v) => `${plain(v)} h`, ...log });
  ui.slider(sliders, { trait: "epochs", label: "Epochs", step: 1, text: plain });
  ui.slider(sliders, { trait: "throughput", label: "A device learns from", text: (v) => `${plain(v)} × real time`, ...log });
  ui.slider(sliders, {
    trait: "devices", label: "Devices", step: 0.5, text: (v) => `${v}`,
    toPosition: (v) => Math.log2(v), toValue: (p) => Math.round(2 ** p),
  });
  ui.slider(sliders, { trait: "kept", label: "Kept of each doubling", step: 0.01, text: (v) => `${Math.round(100 * v)} %` });
  const [least, dearest] = model.get("_limits").price;
  const price = make("input", { type: "number", min: least, max: dearest, step: 0.1, "data-trait": "price" });
  const show = () => { if (Number(price.value) !== read("price")) price.value = read("price"); };
  ui.listen(price, "input", () => {
    const value = Number(price.value);
    if (price.value !== "" && Number.isFinite(value)) ui.set("price", clamp(value, least, dearest));
  });
  sliders.append(make("label", { class: "course-check" }, make("span", {}, "Price of a device for an hour"), price));
  show();
  ui.watch("price", show);
  for (const trait of ["hours", "epochs", "throughput", "devices", "kept", "price"]) ui.watch(trait, ui.redraw);
  ui.root.append(ui.status);
  return ui.close;
}

export default { render };
