// Elements. Texts are set as texts: a name from an event file is never markup.

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

/** A select of [value, text] pairs, or [value, text, group], where those of a group stand beside one another. */
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

/** What there is to say instead of a picture. */
export function notice(title, ...sentences) {
  const paragraphs = sentences.map((text) => element("p", { textContent: text }));
  return element(
    "div",
    { className: "notice", role: "status" },
    element("strong", { textContent: title }),
    ...paragraphs,
  );
}

/** How to read a view; it stays open or closed. */
export function help(sentences, open, onToggle) {
  const items = sentences.map((text) => element("li", { textContent: text }));
  const summary = element("summary", { textContent: "How to read this" });
  const details = element("details", { className: "help", open }, summary, element("ul", {}, ...items));
  details.ontoggle = () => onToggle(details.open);
  return details;
}

/** Hands a file to the user. */
export function download(name, blob) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A name that every file system takes. */
export function fileName(...parts) {
  return parts
    .join("_")
    .replace(/[^\w.=,-]+/g, "_")
    .slice(0, 120);
}
