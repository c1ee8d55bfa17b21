// What pages remember, and their languages and colours; every page has texts of its own.
export const kept = {  // what the browser remembers; it may refuse to
  get(name, store = localStorage) { try { return JSON.parse(store.getItem(name)); } catch { return null; } },
  set(name, value, store = localStorage) { try { store.setItem(name, JSON.stringify(value)); return true; } catch { return false; } },
  forget(name, store = localStorage) { try { store.removeItem(name); } catch { /* nothing was kept */ } },
};

const isDark = () => (document.documentElement.dataset.scheme ??
  (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

// The functions of a page with these texts, by language; `given` is the language that was asked for.
export function makeTexts(texts, given = "") {
  let language = given || kept.get("prill:language") || (navigator.language.startsWith("zh") ? "zh" : "en");

  const text = (name, ...parts) => texts[language][name].replace(/\{(\d)\}/g, (_, number) => parts[number]);

  function translate(root = document) {
    for (const each of root.querySelectorAll("[data-text]")) each.textContent = text(each.dataset.text);
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    const other = document.getElementById("language");
    other.textContent = language === "zh" ? "English" : "中文";
    other.lang = language === "zh" ? "en" : "zh";
    showScheme();
  }

  function showScheme() {
    const button = document.getElementById("scheme");
    button.textContent = text(button.dataset.text = isDark() ? "light" : "dark");
  }

  function prepareLook(changed) {
    const scheme = kept.get("prill:scheme");
    if (scheme) document.documentElement.dataset.scheme = scheme;
    document.getElementById("scheme").onclick = () => {
      kept.set("prill:scheme", document.documentElement.dataset.scheme = isDark() ? "light" : "dark");
      showScheme();
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showScheme);
    document.getElementById("language").onclick = () => {
      kept.set("prill:language", language = language === "zh" ? "en" : "zh");
      translate();
      changed();
    };
  }

  return { text, translate, prepareLook };
}

export function duration(milliseconds) {
  if (milliseconds > 0 && milliseconds < 1) return `${Math.round(milliseconds * 1000)} µs`;
  if (milliseconds < 10) return `${Number(milliseconds.toFixed(1))} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return milliseconds < 60000 ? `${(milliseconds / 1000).toFixed(2)} s` : `${(milliseconds / 60000).toFixed(1)} min`;
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;
}
