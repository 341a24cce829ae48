(() => {
  "use strict";
  // Browsers keep about 16 WebGL contexts; figures beyond this many stay as projections.
  let contextsLeft = 8;
  const hasWebGL = () => {
    try {
      const context = document.createElement("canvas").getContext("webgl");
      context?.getExtension("WEBGL_lose_context")?.loseContext();
      return Boolean(context);
    } catch { return false; }
  };
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const recolor = () => ({ "font.color": color("--minor"), "modebar.color": color("--minor") });

  // plotly.js lies beside the page or, shared by the reports of several folders, one folder above.
  const name = document.body.dataset.library;
  const loaded = (source) => new Promise((resolve) => {
    const script = document.createElement("script");
    script.onload = () => resolve(Boolean(window.Plotly));
    script.onerror = () => { script.remove(); resolve(false); };
    script.src = source;
    document.head.append(script);
  });
  const load = async () => {
    const found = await loaded(name) || await loaded(`../${name}`);
    if (!found) document.getElementById("still-only").hidden = false;
    return found;
  };
  let library = null;

  const draw = async (place) => {
    if (!await (library ??= load())) return;
    const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    figure.layout.font.color = color("--minor");
    figure.layout.modebar = { color: color("--minor"), bgcolor: "transparent" };
    place.hidden = false;
    try {
      await Plotly.newPlot(place, figure.data, figure.layout, {
        responsive: true, displaylogo: false, scrollZoom: false,
        // plotly.js offers by default to upload the data to its makers' cloud; a report stays where it is.
        showSendToCloud: false, plotlyServerURL: "",
        modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "tableRotation", "resetCameraLastSave3d", "sendChartToCloud"],
      });
      place.closest("figure").classList.add("drawn");
    } catch (error) {
      console.warn("The static drawing stays:", error);
      Plotly.purge(place);
      place.hidden = true;
    }
  };

  const webgl = hasWebGL();
  const places = [...document.querySelectorAll(".live")].filter(
    (place) => !("solid" in place.dataset) || (webgl && contextsLeft-- > 0));
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((e) => e.isIntersecting)) {
      observer.unobserve(entry.target);
      draw(entry.target.querySelector(".live"));
    }
  }, { rootMargin: "600px" });
  for (const place of places) observer.observe(place.closest("figure"));
  const repaint = () => {
    for (const place of document.querySelectorAll("figure.drawn .live")) Plotly.relayout(place, recolor());
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  addEventListener("aeverify-theme", repaint);
})();
