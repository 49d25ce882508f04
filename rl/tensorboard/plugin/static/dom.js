// HTML elements. Texts are set as text nodes: a name from an event file is never parsed as markup.

/** An element with properties (or attributes, where the name has a dash, or is role or for) and children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (key.includes("-") || key === "role" || key === "for") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Adds a style sheet of the plugin; resolves when it applies, or could not be loaded. */
export function addStyleSheet(name) {
  const link = element("link", { rel: "stylesheet", href: new URL(`./${name}.css`, import.meta.url).href });
  const ready = new Promise((resolve) => (link.onload = link.onerror = resolve));
  document.head.append(link);
  return ready;
}

/** A labelled select of [value, text] or [value, text, group]; options of one group follow one another. */
export function choice(label, options, value, onChange) {
  const select = element("select", {
    onchange: () => onChange(select.value),
    "aria-label": label,
  });
  let [within, above] = [select, ""];
  for (const [key, text, group = ""] of options) {
    if (group !== above) within = group ? select.appendChild(element("optgroup", { label: group })) : select;
    above = group;
    within.append(element("option", { value: key, textContent: text }));
  }
  select.value = value;
  return element("label", { className: "choice" }, element("span", { textContent: label }), select);
}

/** A message in the place of a picture. */
export function notice(title, ...sentences) {
  const paragraphs = sentences.map((text) => element("p", { textContent: text }));
  return element(
    "div",
    { className: "notice", role: "status" },
    element("strong", { textContent: title }),
    ...paragraphs,
  );
}

/** The explanation of a view, which can be opened and closed. */
export function help(sentences, open, onToggle) {
  const items = sentences.map((text) => element("li", { textContent: text }));
  const summary = element("summary", { textContent: "How to read this" });
  const details = element("details", { className: "help", open }, summary, element("ul", {}, ...items));
  details.ontoggle = () => onToggle(details.open);
  return details;
}

/** Downloads a file. */
export function download(name, blob) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A file name without characters that a file system may refuse. */
export function fileName(...parts) {
  return parts
    .join("_")
    .replace(/[^\w.=,-]+/g, "_")
    .slice(0, 120);
}
