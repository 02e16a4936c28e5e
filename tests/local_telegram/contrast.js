// Every text on the page that is too pale to be read: WCAG 2 AA asks for 4.5 to 1, of large text for 3 to 1.
() => {
  const parse = (text) => (text.match(/[\d.]+/g) ?? ["0", "0", "0", "0"]).map(Number);
  const over = ([r, g, b, a = 1], below) => [r, g, b].map((part, at) => part * a + below[at] * (1 - a));
  const light = (color) => {
    const [r, g, b] = color.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const probe = document.body.appendChild(document.createElement("i"));
  const papers = ["a", "b", "c", "d"].map((name) => {
    probe.style.color = `var(--paper-${name})`;
    return parse(getComputedStyle(probe).color);
  });
  probe.remove();
  const grounds = (element) => {
    const layers = [];
    let below = null;
    for (let at = element; at && !below; at = at.parentElement) {
      const style = getComputedStyle(at);
      const color = parse(style.backgroundColor);
      if (style.backgroundImage !== "none" && at.id !== "chat") return [];
      if (at.id === "chat") below = papers;
      else if ((color[3] ?? 1) === 1) below = [color];
      else if (color[3] > 0) layers.unshift(color);
    }
    return (below ?? papers).map((ground) => layers.reduce((under, layer) => over(layer, under), ground));
  };
  const pale = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (element.closest(":disabled, script, noscript, .spoiler")) continue;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const wanted = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    for (const ground of grounds(element)) {
      const found = ratio(over(parse(style.color), ground), ground);
      if (found < wanted) { pale.push(`${found.toFixed(2)} ${element.tagName}.${element.className} ${node.data.trim().slice(0, 30)}`); break; }
    }
  }
  return [...new Set(pale)];
}
