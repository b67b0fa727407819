// Sounds from outside, a file or the microphone, as one channel of samples at a wanted rate.

async function decodeFile(file, rate) {
  // Its context resamples what it decodes.
  const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await file.arrayBuffer());
  const mono = new Float32Array(sound.length);
  for (let c = 0; c < sound.numberOfChannels; c += 1) {
    const channel = sound.getChannelData(c);
    for (let n = 0; n < mono.length; n += 1) mono[n] += channel[n] / sound.numberOfChannels;
  }
  return mono;
}

const TAP = `registerProcessor("course-tap", class extends AudioWorkletProcessor {
  process([[channel]]) {
    if (channel) this.port.postMessage(channel.slice());
    return true;
  }
});`;

// Why the browser gives no microphone, and what to do about it.
function whyNoMicrophone(error) {
  if (!window.isSecureContext)
    return `This page came by plain http from ${location.host}, and there a browser gives nobody the microphone. ` +
      "Open JupyterLab as http://127.0.0.1 on its own computer, or by https; or open a sound file instead.";
  if (error.name === "NotAllowedError")
    return "The browser does not let this page use the microphone. Allow it at the sign left of the page's address " +
      "(and in the system's settings for privacy), then press Record again; or open a sound file instead.";
  if (error.name === "NotFoundError")
    return "There is no microphone. Plug one in, or switch it on in the system's settings, then press Record again; " +
      "or open a sound file instead.";
  if (error.name === "NotReadableError")
    return "The microphone is there, but does not start. Does another program use it? Close that one, then press Record again.";
  return `No microphone can be used here (${error.name}). Open a sound file instead.`;
}

// Samples at another rate, by the browser's own good resampler, which stands in its decoder.
function resampled(samples, from, to) {
  const size = 4 * samples.length;
  const view = new DataView(new ArrayBuffer(44 + size));
  const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + size, true);
  text(8, "WAVEfmt ");
  [[16, 16], [24, from], [28, 4 * from], [40, size]].forEach(([at, v]) => view.setUint32(at, v, true));
  [[20, 3], [22, 1], [32, 4], [34, 32]].forEach(([at, v]) => view.setUint16(at, v, true)); // floats, one channel
  text(36, "data");
  samples.forEach((v, i) => view.setFloat32(44 + 4 * i, v, true));
  return decodeFile(new Blob([view]), to);
}

// Calls `done(samples)` when it is stopped or `longest_s` is reached, `failed(error)` when there is no
// microphone, `changed()` whenever it starts or ends, and `heard(samples, rate)` with each piece that comes in.
function createRecorder({ rate, longest_s, done, failed, changed, heard = () => {} }) {
  let [context, stream, chunks, timer] = [null, null, [], 0];
  const close = () => {
    clearTimeout(timer);
    stream?.getTracks().forEach((track) => track.stop());
    context?.close();
    [context, stream] = [null, null];
    changed();
  };
  // The tap of a microphone. Firefox can't connect one to a context of another rate than the microphone's.
  async function tapped(mine) {
    const address = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
    await mine.audioWorklet.addModule(address);
    URL.revokeObjectURL(address);
    if (context !== mine) return;
    const tap = new AudioWorkletNode(mine, "course-tap");
    mine.createMediaStreamSource(stream).connect(tap);
    tap.port.onmessage = ({ data }) => {
      chunks.push(data);
      if (context === mine) heard(data, mine.sampleRate);
    };
  }
  async function start() {
    if (context) return;
    context = new AudioContext({ sampleRate: rate });
    let mine = context;
    chunks = [];
    changed();
    try {
      const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      const opened = await navigator.mediaDevices.getUserMedia({ audio });
      if (context !== mine) { // stopped while the browser asked
        opened.getTracks().forEach((track) => track.stop());
        return;
      }
      stream = opened;
      try {
        await tapped(mine);
      } catch (error) {
        if (error.name !== "NotSupportedError" || context !== mine) throw error;
        mine.close();
        context = mine = new AudioContext();
        await tapped(mine);
      }
      if (context === mine) timer = setTimeout(stop, 1000 * longest_s);
    } catch (error) {
      if (context === mine) close();
      failed(error);
    }
  }
  async function stop() {
    if (!context) return;
    const from = context.sampleRate;
    close();
    const samples = new Float32Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let start = 0;
    for (const chunk of chunks) {
      samples.set(chunk, start);
      start += chunk.length;
    }
    done(from === rate || !samples.length ? samples : await resampled(samples, from, rate));
  }
  return { start, stop, cancel: () => context && close(), isOn: () => context !== null };
}
