(() => {
  "use strict";
  const all = (selector) => [...document.querySelectorAll(selector)];

  // Code: the page's switch also unfolds every cell; each can be folded again by itself.
  const code = document.getElementById("ll-code");
  const unfold = () => all("details.ll-code").forEach((part) => { part.open = code.checked; });
  if (code) { code.addEventListener("change", unfold); if (code.checked) unfold(); }

  // Contents: mark the section that was last scrolled past.
  const links = all(".contents a");
  const targets = links.map((link) => document.getElementById(link.hash.slice(1)));
  const keepInSight = (link, list) => { // in a window lower than the contents
    const at = link.getBoundingClientRect(), box = list.getBoundingClientRect();
    if (at.top < box.top || at.bottom > box.bottom) list.scrollTop += at.top - box.top - box.height / 2;
  };
  const mark = () => {
    const passed = targets.map((t) => t && t.getBoundingClientRect().top < innerHeight / 3);
    const atEnd = scrollY > 0 && innerHeight + scrollY >= document.body.scrollHeight - 2;
    const current = atEnd ? links.length - 1 : Math.max(0, passed.lastIndexOf(true));
    links.forEach((link, i) => i === current
      ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current"));
    keepInSight(links[current], links[current].closest(".contents"));
  };
  if (links.length) { addEventListener("scroll", mark, { passive: true }); mark(); }

  // What turned out to scroll sideways must be reachable by keyboard.
  all(".ll-equation,.ll-math,.ll-foreign").forEach((part) => {
    if (part.scrollWidth > part.clientWidth + 1) part.tabIndex = 0;
  });

  // Chart downloads: the static picture, as it came, with the colours of the light page.
  all("a[data-svg]").forEach((link) => {
    const drawn = document.querySelector(`#${CSS.escape(link.dataset.svg)} .ll-plot svg`);
    if (!drawn) return;
    const picture = drawn.cloneNode(true);
    picture.removeAttribute("aria-hidden");
    link.hidden = false;
    link.addEventListener("click", () => {
      const text = new XMLSerializer().serializeToString(picture);
      link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    });
  });

  // Long tables lie packed in their link, which without this script gives them as they are.
  const inflate = (base64) => {
    const packed = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };
  all('a[download$=".csv.gz"]').forEach((link) => link.addEventListener("click", async (event) => {
    event.preventDefault();
    const text = await inflate(link.href.slice(link.href.indexOf(",") + 1));
    const plain = document.createElement("a");
    plain.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    plain.download = link.download.slice(0, -3);
    plain.click();
    setTimeout(() => URL.revokeObjectURL(plain.href), 60000);
  }));

  // Tooltips: text only, whatever the data holds.
  let tip = null;
  const row = (key, value) => {
    const pair = [document.createElement("dt"), document.createElement("dd")];
    pair[0].textContent = key;
    pair[1].textContent = String(value);
    return pair;
  };
  const showTip = (_, event, __, value) => {
    if (tip) { tip.remove(); tip = null; }
    if (value === null || value === undefined || value === "") return;
    tip = document.createElement("div");
    tip.className = "ll-tip";
    tip.setAttribute("role", "tooltip");
    if (typeof value === "object") {
      const list = document.createElement("dl");
      Object.entries(value).forEach(([key, part]) => list.append(...row(key, part)));
      tip.append(list);
    } else tip.textContent = String(value);
    document.body.append(tip);
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
    tip.style.top = `${Math.max(8, Math.min(event.clientY + 14, innerHeight - box.height - 8))}px`;
  };

  // Interactive charts: drawn aside, then put in the place of the picture at the same size. A page
  // without the library, or a chart that fails, keeps its picture.
  const unpack = (script) => inflate(script.textContent);
  const library = async () => {
    new Function(await unpack(document.getElementById("ll-vega")))();
    return window.llVega;
  };
  const refuse = {
    load: () => Promise.reject(new Error("a report loads nothing")),
    sanitize: async (uri) => {
      if (!/^https?:/i.test(uri)) throw new Error("not a web address");
      return { href: uri, rel: "noopener noreferrer", target: "_blank" };
    },
  };
  const quiet = { level: () => quiet, error: () => quiet, warn: () => quiet, info: () => quiet, debug: () => quiet };
  const enliven = async (plot, vega) => {
    const picture = plot.querySelector("svg");
    const stage = document.createElement("div");
    const spec = JSON.parse(await unpack(plot.nextElementSibling));
    const view = new vega.View(vega.parse(spec), {
      renderer: "svg", hover: true, loader: refuse, tooltip: showTip, logger: quiet,
    });
    await document.fonts.ready; // text is measured with the shipped face
    await view.initialize(stage).runAsync();
    const live = stage.querySelector("svg");
    if (!live || !live.querySelector("path,text,line,circle,rect")) throw new Error("nothing drawn");
    ["viewBox", "width", "height", "font-family"].forEach((name) => {
      if (picture.hasAttribute(name)) live.setAttribute(name, picture.getAttribute(name));
    });
    live.setAttribute("aria-hidden", "true");
    live.removeAttribute("role");
    picture.replaceWith(live);
    plot.view = view;
    slide(plot, view, (spec.usermeta || {}).sliders || []);
    plot.dataset.live = "true";
  };

  // Sliders: they exist where a chart can compute itself again, and nowhere else.
  const slide = (plot, view, sliders) => {
    if (!sliders.length) return;
    const box = document.createElement("div");
    box.className = `ll-sliders ${plot.classList.contains("ll-narrow") ? "ll-narrow" : "ll-wide"}`;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "Change the assumptions of this chart");
    sliders.forEach((slider) => box.append(control(plot, view, slider)));
    const back = document.createElement("button");
    back.type = "button";
    back.textContent = "As in the report";
    back.addEventListener("click", () => box.querySelectorAll("input").forEach((input) => {
      input.value = input.defaultValue;
      input.dispatchEvent(new Event("input"));
    }));
    box.append(back);
    plot.nextElementSibling.after(box);
  };
  const control = (plot, view, slider) => {
    const label = document.createElement("label"), words = document.createElement("span");
    const input = document.createElement("input"), shown = document.createElement("output");
    words.textContent = slider.words;
    Object.entries({ type: "range", min: slider.low, max: slider.high, step: slider.step })
      .forEach(([name, value]) => input.setAttribute(name, value));
    input.setAttribute("value", slider.value);
    input.name = slider.name;
    const write = () => { shown.textContent = llFormat(slider.show, Number(input.value)); };
    input.addEventListener("input", () => {
      write();
      view.signal(slider.name, Number(input.value)).runAsync();
    });
    write();
    label.append(words, input, shown);
    return label;
  };
  const llFormat = (how, value) => {
    const [digits, unit] = how.split("|");
    const percent = unit === "%";
    return (percent ? 100 * value : value).toLocaleString("en-US", {
      maximumFractionDigits: Number(digits),
    }) + (unit ? `\u00a0${unit}` : "");
  };
  let vega = null;
  const enlivenShown = async () => {
    for (const script of all(".ll-spec")) {
      const plot = script.previousElementSibling;
      if (!plot || plot.dataset.live || !plot.getClientRects().length) continue;
      plot.dataset.live = "tried";
      try {
        vega = vega || library();
        await enliven(plot, await vega);
      } catch (error) { /* the picture stays */ }
      await new Promise((done) => setTimeout(done));
    }
  };
  if (document.getElementById("ll-vega")) {
    enlivenShown();
    matchMedia("(max-width: 860px)").addEventListener("change", enlivenShown);
  }
})();
