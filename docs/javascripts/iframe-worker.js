// Browsers start no worker from a file. Pages that are opened as files run the search in a hidden frame instead; its
// script finds out by the name IFrameWorker, and loads further scripts with importScripts, as in a worker.
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.frame = frame.contentWindow;
      this.waiting = [];
      const inner = frame.contentDocument;
      const load = (src) =>
        new Promise((resolve, reject) => {
          const script = inner.createElement("script");
          Object.assign(script, { src, onload: resolve, onerror: reject });
          inner.body.append(script);
        });
      // Scripts are loaded in the given order.
      this.frame.importScripts = (...urls) =>
        urls.reduce((before, src) => before.then(() => load(src)), Promise.resolve());
      this.frame.postMessage = (data) => {
        this.dispatchEvent(new MessageEvent("message", { data }));
      };
      load(new URL(url, location.href).href).then(() => {
        const waiting = this.waiting;
        this.waiting = null;
        waiting.forEach((data) => this.postMessage(data));
      });
    }

    postMessage(data) {
      if (this.waiting) {
        this.waiting.push(data);
      } else {
        this.frame.dispatchEvent(new this.frame.MessageEvent("message", { data }));
      }
    }

    set onmessage(listener) {
      this.addEventListener("message", listener);
    }

    terminate() {
      this.frame.frameElement.remove();
    }
  };
  window.Worker = window.IFrameWorker;
}
