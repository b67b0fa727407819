// Buttons that record a sound or open a file, and send it to Python. `say` shows a sentence, and whether
// something went wrong, `quiet` ends what is playing, `doing` says what becomes of the sound. `heard` gets each piece while it is recorded,
// `changed` is told when a recording starts or ends, `sent` when a sound goes to Python.
function createIntake(ui, model, parent, { say, quiet, doing, heard, changed = () => {}, sent = () => {} }) {
  const outside = model.get("_outside");
  const recorder = createRecorder({
    rate: outside.rate, longest_s: outside.longest_s,
    done: (samples) => send(samples, "The recording"),
    failed: (error) => say(whyNoMicrophone(error), true),
    heard,
    changed: () => {
      const on = recorder.isOn();
      button.textContent = on ? "■ Stop recording" : "● Record";
      button.setAttribute("aria-pressed", on);
      ui.root.dataset.recording = on ? "on" : "off";
      changed(on);
    },
  });
  const button = ui.button(parent, "record", "● Record", () => {
    if (recorder.isOn()) return recorder.stop();
    quiet();
    say(`Recording, ${outside.longest_s} s at most.`);
    recorder.start();
  });
  const opener = make("input", { type: "file", accept: "audio/*", "data-action": "upload", "aria-label": "Open a sound file" });
  parent.append(make("label", { class: "course-check" }, make("span", {}, "or a sound file"), opener));
  ui.listen(opener, "change", async () => {
    const [file] = opener.files;
    if (!file) return;
    quiet();
    recorder.cancel();
    try {
      if (file.size > 50e6) say(`${file.name} is larger than 50 MB. Cut a few seconds out of it.`, true);
      else send(await decodeFile(file, outside.rate), file.name);
    } catch {
      say(`${file.name} is no sound that this browser can decode. WAV, MP3, FLAC and Ogg usually work.`, true);
    }
    opener.value = "";
  });
  function send(samples, name) {
    const seconds = samples.length / outside.rate;
    if (!samples.length || seconds < outside.shortest_s)
      return say(`${name} lasts ${seconds.toFixed(2)} s; it must last ${outside.shortest_s} s at least.`, true);
    const cut = seconds > outside.longest_s + 0.1;
    const kept = cut ? samples.slice(0, outside.longest_s * outside.rate) : samples.slice();
    say(`${name}: ${cut ? `the first ${outside.longest_s} of ` : ""}${seconds.toFixed(1)} s, being ${doing}.`);
    model.send({ kind: "sound", rate: outside.rate, ...sent(kept, name) }, undefined, [kept.buffer]);
  }
  return recorder;
}
