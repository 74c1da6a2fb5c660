// Runs first in every frame: counts what a payload does to show that it runs, at the top, with the frame it happened in.
(() => {
  const tell = (how) => {
    if (window === top) top.__hits.push({ how, index: null });
    else top.postMessage({ __hit: String(how) }, "*");
  };
  const told = (how, answer) => (...values) => {
    tell(`${how}(${values.map(String).join().slice(0, 60)})`);
    return answer;
  };
  for (const [name, answer] of [["alert"], ["confirm", true], ["prompt", ""], ["print"], ["open", null], ["importScripts"]]) {
    window[name] = told(name, answer);
  }
  for (const name of ["log", "info", "warn", "error", "debug"]) console[name] = told(`console.${name}`);
  Object.defineProperty(window, "__ran", { get: () => 0, set: () => tell("__ran") });
  // Following a link to another page is the reader's own wish; everything else that a click may do counts.
  const stay = (event) => {
    const link = event.target.closest?.("a[href]");
    if (/^(https?|mailto):/i.test(link?.href ?? "")) event.preventDefault();
  };
  addEventListener("click", stay, true);
  if (window !== top) return;

  window.__hits = [];
  // A frame within a frame counts for the outermost one, which holds one payload.
  addEventListener("message", ({ source, data }) => {
    if (typeof data?.__hit !== "string") return;
    let outermost = source;
    while (outermost && outermost.parent !== top) outermost = outermost.parent;
    const frame = [...document.querySelectorAll("iframe[data-index]")].find((one) => one.contentWindow === outermost);
    top.__hits.push({ how: data.__hit, index: frame ? Number(frame.dataset.index) : null });
  });

  // As JupyterLab's renderHTML does for a trusted output.
  const setTrusted = (host, markup) => {
    host.innerHTML = markup;
    for (const script of [...host.getElementsByTagName("script")]) {
      const live = host.ownerDocument.createElement("script");
      for (const { name, value } of script.attributes) {
        try { live.setAttribute(name, value); } catch { /* a name that only a parser lets through */ }
      }
      live.textContent = script.textContent;
      script.replaceWith(live);
    }
  };

  const EVENTS = ["mouseover", "mouseenter", "mousemove", "mousedown", "mouseup", "pointerover", "pointerenter", "dblclick",
    "contextmenu", "keydown", "keyup", "focusin", "input", "change", "toggle", "scroll", "wheel", "error"];
  const TOUCHED = "a, area, audio, button, dialog, embed, form, iframe, img, input, label, math, object, option, select, " +
    "summary, svg, svg *, math *, textarea, video, [tabindex], [contenteditable], [role], [is]";
  // HTML alone has handlers nowhere but in attributes: an element with none, that is no control either, hears nothing.
  const poke = (root) => {
    for (const folded of root.querySelectorAll("details")) folded.open = true;
    for (const element of [...root.querySelectorAll("*")]) {
      const view = element.ownerDocument.defaultView;
      if (!view) continue;
      const own = element.getAttributeNames().filter((name) => name.startsWith("on"));
      if (own.length === 0 && !element.matches(TOUCHED)) continue;
      try {
        if (own.length > 0) element.focus?.({ preventScroll: true });
        for (const name of EVENTS) element.dispatchEvent(new view.Event(name));
        // A handler of any browser, this one's or one long gone, is run as its event would run it.
        for (const name of own) {
          const handler = element[name] ?? new view.Function("event", element.getAttribute(name));
          handler.call(element, new view.Event(name.slice(2)));
        }
        element.dispatchEvent(new view.MouseEvent("click", { bubbles: true, cancelable: true }));
      } catch { /* the payload has torn its frame down */ }
    }
  };

  const TAGS = new Set(("a article aside audio b blockquote br button code col colgroup dd del details div dl dt em figcaption figure footer h1 h2 h3 " +
    "h4 h5 h6 header hr i img ins kbd label li nav ol option p pre s section select small span strong summary table tbody td textarea " +
    "tfoot th thead time tr ul").split(" "));
  const ATTRIBUTES = new Set(("align alt border class colspan controls disabled height hidden href open placeholder preload rel role rows rowspan scope src start style tabindex target title type value width").split(" "));
  const OURS = /^(aria-[a-z]+|data-(status|state|kind|open|turns|count|lm-suppress-shortcuts))$/;
  const CLASSES = /^(al-[\w-]*|agentlab[\w-]*|dataframe|mathjax_ignore|tex2jax_ignore|language-[\w+#.-]+)$/;
  const PANDAS = /^(\s*\.dataframe [\w\s:-]+\{\s*[\w-]+: [\w-]+;\s*\})+\s*$/;
  const PICTURE = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*$/;
  const SOUND = /^data:audio\/(aac|flac|mp4|mpeg|ogg|wav|webm);base64,[A-Za-z0-9+/=]*$/;
  const SOURCES = { img: PICTURE, audio: SOUND };
  const foreign = (root) => {
    const found = [];
    const say = (element, what) => found.push(`${what} in ${element.outerHTML.slice(0, 200)}`);
    for (const element of root.querySelectorAll("*")) {
      if (element.localName === "style" && element.hasAttribute("scoped") && PANDAS.test(element.textContent)) continue;
      if (!TAGS.has(element.localName)) say(element, "element");
      for (const { name, value } of element.attributes) {
        if (!ATTRIBUTES.has(name) && !OURS.test(name)) say(element, `attribute ${name}`);
        if (name === "src" && !SOURCES[element.localName]?.test(value)) say(element, "source");
        if ((name === "width" || name === "height") && !(element.localName === "img" && /^\d+$/.test(value))) say(element, "size");
        if (name === "href" && !/^(https?:\/\/|mailto:)/i.test(value)) say(element, "address");
        if (name === "style" && /url\s*\(|expression|@import|position\s*:\s*fixed/i.test(value)) say(element, "style");
        if (name === "class" && !value.split(/\s+/).every((one) => !one || CLASSES.test(one))) say(element, "class");
      }
    }
    const comments = document.createTreeWalker(root, NodeFilter.SHOW_COMMENT);
    if (comments.nextNode()) found.push("a comment");
    return found;
  };

  const rest = (ms) => new Promise((done) => setTimeout(done, ms));
  const frameOf = (index) => {
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-forms allow-popups");
    if (index !== null) frame.dataset.index = index;
    return frame;
  };

  /** Parsed as the page it would be in a file, its scripts run where they stand. */
  const write = (frame, markup) => {
    const page = frame.contentDocument;
    page.open();
    frame.contentWindow.addEventListener("click", stay, true); // opening a document takes its window's listeners
    page.write(`<!doctype html><body>${markup}`);
    page.close();
  };

  /** Each piece of HTML set as JupyterLab does, then all as one page, as nbconvert does; then a reader touches everything. */
  window.__show = async (pieces, ms) => {
    const main = document.querySelector("main");
    main.replaceChildren();
    for (const piece of pieces) setTrusted(main.appendChild(document.createElement("div")), piece);
    const wrong = foreign(main);
    const page = frameOf(null);
    page.hidden = true;
    document.body.append(page);
    write(page, pieces.join(""));
    wrong.push(...foreign(page.contentDocument.body));
    poke(main);
    poke(page.contentDocument);
    await rest(ms);
    const text = main.textContent.length;
    main.replaceChildren();
    page.remove();
    return { foreign: wrong, text };
  };

  /** Each payload as it stands in two frames of its own: as a page, and set as JupyterLab does. */
  window.__expose = async (payloads, ms) => {
    const frames = payloads.flatMap((payload, index) => {
      const page = frameOf(index);
      const cell = frameOf(index);
      document.body.append(page, cell);
      try { write(page, payload); } catch { /* it has gone elsewhere */ }
      setTrusted(cell.contentDocument.body, payload);
      return [page, cell];
    });
    await rest(ms);
    for (const frame of frames) {
      try { poke(frame.contentDocument); } catch { /* it has gone elsewhere */ }
    }
    await rest(ms);
    for (const frame of frames) frame.remove();
  };

  /** A widget painted from its state and its messages, as anywidget does; then a reader touches everything. */
  window.__paint = async ({ module, state, messages }, ms) => {
    const listeners = new Map();
    const tellAll = (name, ...values) => { for (const one of listeners.get(name) ?? []) one(...values); };
    const model = {
      get: (name) => state[name],
      set: (name, value) => { state[name] = value; },
      save_changes: () => {},
      send: () => {},
      on: (name, listener) => { listeners.set(name, [...(listeners.get(name) ?? []), listener]); },
      off: () => {},
    };
    const main = document.querySelector("main");
    main.replaceChildren();
    const address = URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
    const exported = (await import(address)).default;
    URL.revokeObjectURL(address);
    const definition = typeof exported === "function" ? await exported() : exported;
    await definition.initialize?.({ model });
    const undo = await definition.render?.({ model, el: main.appendChild(document.createElement("div")) });
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const wrong = foreign(main);
    for (const message of messages) {
      if (message.custom) tellAll("msg:custom", message.custom);
      if (message.update) {
        Object.assign(state, message.update);
        for (const name of Object.keys(message.update)) tellAll(`change:${name}`);
      }
    }
    await frame();
    await frame();
    wrong.push(...foreign(main));
    const text = main.textContent.length;
    poke(main);
    await rest(ms);
    undo?.();
    main.replaceChildren();
    return { foreign: wrong, text };
  };
})();
