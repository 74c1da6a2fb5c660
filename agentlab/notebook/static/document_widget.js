// What every widget of a document exports: one receiver of Python's patches, and any number of places that show the document.

import { Receiver } from "./run_document.js";

/**
 * A place where a document is shown: `changed` tells it what a patch touched, `heard` any other message of Python.
 * @typedef {{node: HTMLElement, paint: () => void, changed: (dirty: any) => void, heard: (message: any) => void,
 *   close: () => void}} View
 */

/**
 * @param {(model: any, receiver: Receiver) => View} makeView
 * @param {(document_: any, operations: any[]) => any} [apply] applies a patch's operations; those of one run if not given
 */
export const documentWidget = (makeView, apply) => () => {
  /** @type {Receiver} */
  let receiver;
  /** @type {Set<View>} */
  const views = new Set();
  return {
    /** @param {{model: any}} context */
    initialize({ model }) {
      receiver = new Receiver(() => model.send({ type: "resync" }), undefined, apply);
      const onSnapshot = () => receiver.takeSnapshot(model.get("snapshot"));
      /** @param {any} message */
      const onMessage = (message) => {
        if (message.type === "patch") receiver.takePatch(message);
        else for (const view of views) view.heard(message);
      };
      model.on("change:snapshot", onSnapshot);
      model.on("msg:custom", onMessage);
      onSnapshot();
      model.send({ type: "ready" });
      return () => {
        model.off("change:snapshot", onSnapshot);
        model.off("msg:custom", onMessage);
      };
    },
    /** @param {{model: any, el: HTMLElement}} context */
    render({ model, el }) {
      const view = makeView(model, receiver);
      /** @param {any} dirty */
      const listener = (dirty) => view.changed(dirty);
      views.add(view);
      receiver.listeners.add(listener);
      el.append(view.node);
      view.paint();
      return () => {
        views.delete(view);
        receiver.listeners.delete(listener);
        view.close();
      };
    },
  };
};
