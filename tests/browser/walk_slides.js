// Goes through a deck key by key, as a lecturer does, and lists what is wrong on the way.
async () => {
  const WIDTH = 1280;
  const HEIGHT = 720;
  const problems = new Set();
  const kinds = {};
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

  // Where the eye sees something: lines of text, pictures, players, explorers, formulas.
  function boxesOf(element) {
    if (element.matches("img, audio, canvas, .inner, mjx-container > svg")) return [element.getBoundingClientRect()];
    const boxes = [];
    for (const node of element.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE || !node.textContent.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      boxes.push(...range.getClientRects());
    }
    return boxes;
  }

  function look(page, problem) {
    for (const element of page.querySelectorAll("*")) {
      if (element.closest("mjx-assistive-mml, defs")) continue;
      const boxes = boxesOf(element).filter((box) => box.width > 0);
      if (!boxes.length) continue;
      const tag = `${element.tagName.toLowerCase()}.${element.className}`;
      const name = `${tag} "${element.textContent.trim().slice(0, 30)}"`;
      const block = [...page.children].find((child) => child.contains(element)).getBoundingClientRect();
      for (const box of boxes) {
        if (box.left < -1 || box.top < -1 || box.right > WIDTH + 1 || box.bottom > HEIGHT + 1)
          problem(`${name} leaves the screen`);
        else if (box.bottom > block.bottom + 2 || box.top < block.top - 2)
          problem(`${name} leaves its block`);
      }
      const size = parseFloat(getComputedStyle(element).fontSize);
      const least = element.closest("pre, code, kbd, .keys, .where, table") ? 13 : 17;
      if (!element.closest("svg, .live") && size < least) problem(`${name} has ${size} px`);
      if (element.tagName !== "IMG") continue;
      if (!element.alt) problem("a picture without a text");
      if (!element.naturalWidth || element.clientHeight < 150) problem("a picture too small");
    }
    for (const pre of page.querySelectorAll("pre"))
      if (pre.scrollWidth > pre.clientWidth + 1) problem("code wider than its box");
    if (page.querySelector("mjx-merror, [data-mjx-error]")) problem("a formula has an error");
    const copy = page.cloneNode(true);
    for (const one of copy.querySelectorAll("pre, code, mjx-container, .live, .options, figure")) one.remove();
    const raw = /\\[a-z]+\{|\$[^$\d][^$]*\$|\*\*|\]\(/.exec(copy.textContent);
    if (raw) problem(`markdown or a formula was not rendered: ${raw[0]}`);
  }

  let [steps, slides, last] = [0, 0, null];
  for (; steps < 1000; steps += 1) {
    await frame();
    const slide = Reveal.getCurrentSlide();
    const where = `slide ${Reveal.getSlidePastCount() + 1}, ${slide.querySelector("h1, h2")?.textContent}: `;
    if (slide !== last) {
      slides += 1;
      kinds[slide.dataset.kind] = (kinds[slide.dataset.kind] ?? 0) + 1;
      if (!slide.querySelector("aside.notes")) problems.add(`${where}no notes`);
      look(slide.querySelector(".page"), (text) => problems.add(where + text));
    }
    last = slide;
    if (Reveal.isLastSlide() && !Reveal.availableFragments().next) break;
    Reveal.next();
  }
  return { problems: [...problems], slides, steps, kinds, total: Reveal.getTotalSlides() };
}
