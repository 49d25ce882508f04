"""Checks that the texts of the tab can be read: none lies over another or over an arrow, and none is cut off."""

_CROWDED = """async (titles) => {
  const { SvgContext } = await import("/data/plugin/gradients/svg.js");
  const faults = [];
  const corners = (node) => {
    const box = node.getBBox();
    const [left, right] = [box.x + 0.5, box.x + box.width - 0.5];
    // A line of text is higher than its letters.
    const [top, bottom] = [box.y + 2, box.y + box.height - 2];
    const places = [[left, top], [right, top], [right, bottom], [left, bottom]];
    return places.map(([x, y]) => new DOMPoint(x, y).matrixTransform(node.getCTM()));
  };
  // Two convex shapes are apart where a line along a side of one has them on its two sides.
  const apart = (one, other) =>
    one.some((corner, k) => {
      const next = one[(k + 1) % one.length];
      const side = ({ x, y }) => (next.y - corner.y) * (x - corner.x) - (next.x - corner.x) * (y - corner.y);
      const inside = Math.sign(side(one[(k + 2) % one.length]));
      return other.every((point) => side(point) * inside <= 0);
    });
  let figures = 0;
  for (const canvas of document.querySelectorAll("main canvas")) {
    if (!canvas.offsetParent) continue;
    figures += 1;
    const { figure, clientWidth: width } = canvas;
    figure.seen = true;
    figure.redraw();
    const context = new SvgContext(width, figure.height, document.createElement("canvas").getContext("2d"));
    figure.paint(context, width, null);
    const holder = document.body.appendChild(document.createElement("div"));
    holder.style.cssText = "position: absolute; top: 0; left: 0; visibility: hidden";
    holder.innerHTML = context.toString();
    const texts = [...holder.querySelectorAll("text")].map((node) => [node.textContent, corners(node)]);
    const where = canvas.getAttribute("aria-label").slice(0, 30);
    texts.forEach(([text, box], k) => {
      for (const [other, place] of texts.slice(k + 1)) {
        if (!apart(box, place) && !apart(place, box)) faults.push(`${where}: ${text} on ${other}`);
      }
      const xs = box.map(({ x }) => x);
      if (Math.min(...xs) < -1 || Math.max(...xs) > width + 1) faults.push(`${where}: ${text} is cut off`);
    });
    const arrows = [...holder.querySelectorAll("path[stroke]:not([opacity])")].filter(
      (path) => titles.some((title) => where.startsWith(title)) && !path.getAttribute("d").includes("a"),
    );
    for (const path of arrows) {
      const along = Array.from({ length: 41 }, (_, k) => path.getPointAtLength((path.getTotalLength() * k) / 40));
      for (const [text, box] of texts) {
        if (along.some((point) => !apart(box, [point, point, point]))) faults.push(`${where}: ${text} on an arrow`);
      }
    }
    holder.remove();
  }
  return [figures, faults];
}"""


# Texts of the page around the figures. A tool of a figure is seen only under the pointer.
_OVERLAPPING = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const boxes = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.textContent.trim() || node.parentElement.closest(".tools, .tip, .unseen, option")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const shown = node.parentElement.checkVisibility();
    if (shown) for (const box of range.getClientRects()) boxes.push([node.textContent.trim(), box, node]);
  }
  const faults = [];
  boxes.forEach(([text, a, node], k) => {
    for (const [other, b, second] of boxes.slice(k + 1)) {
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (node !== second && across > 1 && down > 4) faults.push(`${text} on ${other}`);
    }
  });
  return faults;
}"""

# A table may be wider than the page where it scrolls by itself.
_BEYOND = """() => {
  const main = document.querySelector("main");
  const faults = [];
  for (const node of [document.documentElement, document.body, main]) {
    if (node.scrollWidth > node.clientWidth) faults.push(`${node.tagName} is ${node.scrollWidth} pixels wide`);
  }
  const right = main.getBoundingClientRect().right;
  for (const node of main.querySelectorAll("*")) {
    if (!node.parentElement.closest(".scroll") && node.getBoundingClientRect().right > right + 1) {
      faults.push(`${node.tagName} ${node.className}: ${node.textContent.slice(0, 30)}`);
    }
  }
  return faults;
}"""


def crowded(tab) -> list[str]:
    """What cannot be read in the figures of the present view, each a few words."""
    figures, faults = tab.frame.evaluate(_CROWDED, ["Rows", "Directions"])
    assert figures > 0
    return faults


def overlapping_words(tab) -> list[str]:
    """Pairs of texts of the page, outside of the figures, that lie over each other."""
    return tab.frame.evaluate(_OVERLAPPING)


def beyond_the_page(tab) -> list[str]:
    """What makes the page wider than its window."""
    return tab.frame.evaluate(_BEYOND)
