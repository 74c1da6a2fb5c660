() => {
  // Watches a notebook's page: when the last token is there, which tokens are, and how long its main thread was blocked.
  const SAMPLE = 40;

  /** The last characters on display below a node, found from its end. */
  const ending = (node) => {
    let text = "";
    for (let at = node; at && text.length < SAMPLE; ) {
      if (at.nodeType === Node.TEXT_NODE) text = at.data.trim() + text;
      if (at.lastChild) at = at.lastChild;
      else {
        while (at && at !== node && !at.previousSibling) at = at.parentNode;
        at = at === node ? null : at?.previousSibling;
      }
    }
    return text;
  };

  const probe = {
    arrivedAt: null,
    blockedMs: 0,
    watch(selector, last) {
      const look = () => {
        const found = [...document.querySelectorAll(selector)].at(-1);
        if (!found) return;
        const there = found.matches(".agentlab-run") ? found.textContent.includes(last) : ending(found).includes(last);
        if (!there) return;
        probe.arrivedAt = Date.now();
        observer.disconnect();
      };
      const observer = new MutationObserver(look);
      observer.observe(document.querySelector(".jp-Notebook"), { subtree: true, childList: true, characterData: true });
    },
    tokens(selector) {
      const found = [...document.querySelectorAll(selector)].at(-1);
      return [...(found?.textContent ?? "").matchAll(/w(\d{5})/g)].map((match) => Number(match[1]));
    },
  };
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) probe.blockedMs += task.duration;
  }).observe({ entryTypes: ["longtask"] });
  window.__probe = probe;
}
