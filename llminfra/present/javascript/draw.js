// Compiles and draws charts without a page. `window.llDraw` is the library, `window.llWidths` the
// advance of each letter, by code point and in thousandths of the size, of both weights.
(() => {
  const { vega, compile } = window.llDraw;
  const quiet = {
    level: () => quiet, error: () => quiet, warn: () => quiet, info: () => quiet, debug: () => quiet,
  };
  const WIDE = 0x2e80; // from here on scripts are as wide as high
  const isBold = (weight) => weight === "bold" || Number(weight) >= 600;
  const letters = (text, widths) => {
    let sum = 0;
    for (const letter of String(text)) {
      const code = letter.codePointAt(0);
      sum += widths[code] ?? (code < WIDE ? 600 : 1000);
    }
    return sum / 1000;
  };

  vega.textMetrics.width = (item, text) => {
    if (text === null || text === undefined || text === "") return 0;
    const widths = isBold(item.fontWeight) ? window.llWidths.bold : window.llWidths.regular;
    const width = vega.fontSize(item) * letters(text, widths);
    return item.limit > 0 ? Math.min(width, item.limit) : width;
  };

  // Messages alone: what V8 tells of an error holds a line of the library, which is all of it.
  const said = (error) => JSON.stringify({ error: String((error && error.message) || error) });
  const told = (value) => JSON.stringify({ done: value });

  const drawn = async (spec) => {
    let view = null;
    let refused = null;
    try {
      const loader = vega.loader();
      loader.load = (uri) => {
        refused = new Error(`a chart loads nothing, got ${uri}`);
        return Promise.reject(refused);
      };
      view = new vega.View(vega.parse(spec), { renderer: "none", logger: quiet, loader });
      const svg = await view.toSVG();
      if (refused !== null) throw refused; // Vega goes on without what it could not load
      return told(svg);
    } catch (error) {
      return said(error);
    } finally {
      if (view !== null) view.finalize();
    }
  };

  window.llCompiled = (spec) => {
    try {
      return told(compile(spec, { logger: quiet }).spec);
    } catch (error) {
      return said(error);
    }
  };

  // The answer is left behind, as nobody can wait for it where a loop of events runs already, such
  // as in a kernel; all that Vega waits for is there by the time that the call returns.
  window.llBegin = (spec) => {
    window.llAnswer = null;
    drawn(spec).then((answer) => { window.llAnswer = answer; });
  };
})();
