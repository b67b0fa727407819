// A quiz that reacts by itself: no kernel is needed to read the explanations.

const STYLE = `
.course-quiz { color: var(--jp-content-font-color1, inherit); font-size: inherit; line-height: 1.5;
  max-width: 46em; padding: 2px; }
.course-quiz fieldset { border: 1px solid var(--jp-border-color1, #888); border-radius: 4px;
  margin: 0 0 1em; padding: 0.5em 1em; min-width: 0; }
.course-quiz legend { font-weight: 600; padding: 0 0.4em; white-space: normal; }
.course-quiz label { display: flex; gap: 0.6em; padding: 0.25em; cursor: pointer; }
.course-quiz input { flex: none; margin: 0.35em 0 0; width: 1em; height: 1em; }
.course-quiz input:focus-visible { outline: 3px solid #E69F00; outline-offset: 2px; }
.course-quiz fieldset [role="status"]:not(:empty) { border-left: 4px solid #0072B2; margin: 0.4em 0;
  padding-left: 0.8em; }
.course-quiz fieldset [role="status"].wrong { border-left: 4px dashed #D55E00; }
.course-quiz p { margin: 0; }
`;

function make(tag, properties, parent) {
  const element = Object.assign(document.createElement(tag), properties);
  parent.append(element);
  return element;
}

function render({ model, el }) {
  const questions = model.get("questions");
  make("style", { textContent: STYLE }, el);
  // The form keeps this quiz's radio groups apart from those of other quizzes and other views.
  const form = make("form", { className: "course-quiz" }, el);
  form.dataset.lmSuppressShortcuts = "true";
  form.addEventListener("submit", (event) => event.preventDefault());

  const groups = questions.map((question, q) => {
    const fieldset = make("fieldset", {}, form);
    make("legend", { textContent: `${q + 1}. ${question.text}` }, fieldset);
    const inputs = question.options.map((option, o) => {
      const label = make("label", {}, fieldset);
      const input = make("input", { type: "radio", name: `question-${q}`, value: o }, label);
      make("span", { textContent: option.text }, label);
      input.addEventListener("change", () => choose(q, o));
      return input;
    });
    const said = make("p", {}, fieldset);
    said.setAttribute("role", "status");
    said.setAttribute("aria-live", "polite");
    fieldset.addEventListener("keydown", (event) => onKey(event, inputs));
    return { inputs, said };
  });
  const total = make("p", {}, form);
  total.setAttribute("role", "status");
  const notice = make("p", {}, form);
  notice.setAttribute("role", "status");

  // The arrows only move, so that no option is chosen on the way to another; Space or Enter chooses.
  function onKey(event, inputs) {
    event.stopPropagation();
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const at = inputs.indexOf(event.target);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (step) {
      event.preventDefault();
      inputs[(at + step + inputs.length) % inputs.length].focus();
    } else if (event.key === "Enter") {
      event.preventDefault();
      event.target.click();
    }
  }

  function choose(q, o) {
    const answers = [...model.get("answers")];
    answers[q] = o;
    model.set("answers", answers);
    model.save_changes();
  }

  function show() {
    let right = 0;
    let answered = 0;
    model.get("answers").forEach((answer, q) => {
      const { inputs, said } = groups[q];
      inputs.forEach((input, o) => (input.checked = o === answer));
      const option = answer === null ? null : questions[q].options[answer];
      if (option) answered += 1;
      if (option?.correct) right += 1;
      const text = option
        ? `${option.correct ? "✓ Right." : "✗ Not this one."} ${option.explanation}`
        : "";
      // Only what changed is written, so that a screen reader does not read all of it again.
      if (said.textContent !== text) said.textContent = text;
      said.classList.toggle("wrong", Boolean(option && !option.correct));
    });
    total.textContent = answered ? `${right} of ${questions.length} right.` : "";
    notice.textContent = model.get("notice");
  }

  model.on("change:answers", show);
  model.on("change:notice", show);
  show();
  return () => {
    model.off("change:answers", show);
    model.off("change:notice", show);
  };
}

export default { render };
