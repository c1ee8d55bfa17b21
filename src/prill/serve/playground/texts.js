// The words of the page, and which language and colours it has.
const TEXTS = {
  en: {
    input: "Input", output: "Output", steps: "Steps", config: "Configuration", run: "Run", send: "Send", stop: "Stop",
    curl: "Copy as curl", clear: "Clear", dark: "Dark", light: "Light", key: "Key for this server", useKey: "Use it",
    copied: "The command is copied.", copyIt: "Copy the command below.", running: "Running …", stopping: "Stopping …",
    ended: "Done", stopped: "Stopped", failed: "Failed", reconnecting: "The connection broke; trying again …",
    lost: "The connection broke, and the run cannot be found again.", resumed: "Reading the run again …",
    needsKey: "This server asks for a key.", unreachable: "The server cannot be reached.",
    notJSON: "{0}: this is not JSON.", missing: "{0} is missing.", notNumber: "{0}: this is not a number.",
    add: "Add", remove: "Remove", optional: "optional", json: "JSON", message: "Your message",
    shortened: "{0} in all; here is the start.", stepsHidden: "The server shows only the outermost run.",
    moreSteps: "{0} more steps are not shown.", chunks: "{0} chunks, the first after {1}", given: "Input",
    returned: "Output", streamed: "Streamed", error: "Error",
    calls: "calls {0}",
  },
  zh: {
    input: "输入", output: "输出", steps: "步骤", config: "配置", run: "运行", send: "发送", stop: "停止",
    curl: "复制为 curl", clear: "清空", dark: "深色", light: "浅色", key: "此服务器的密钥", useKey: "使用",
    copied: "命令已复制。", copyIt: "请复制下面的命令。", running: "正在运行……", stopping: "正在停止……",
    ended: "完成", stopped: "已停止", failed: "失败", reconnecting: "连接中断，正在重试……",
    lost: "连接中断，找不到这次运行了。", resumed: "正在重新读取这次运行……",
    needsKey: "此服务器需要密钥。", unreachable: "无法连接服务器。",
    notJSON: "{0}：不是 JSON。", missing: "缺少 {0}。", notNumber: "{0}：不是数字。",
    add: "添加", remove: "删除", optional: "可选", json: "JSON", message: "你的消息",
    shortened: "共 {0}，这里是开头。", stepsHidden: "服务器只显示最外层的运行。",
    moreSteps: "还有 {0} 个步骤没有显示。", chunks: "{0} 块，首块用时 {1}", given: "输入",
    returned: "输出", streamed: "流式输出", error: "错误",
    calls: "调用 {0}",
  },
};

export const kept = {  // what the browser remembers; it may refuse to
  get(name, store = localStorage) { try { return JSON.parse(store.getItem(name)); } catch { return null; } },
  set(name, value, store = localStorage) { try { store.setItem(name, JSON.stringify(value)); return true; } catch { return false; } },
  forget(name, store = localStorage) { try { store.removeItem(name); } catch { /* nothing was kept */ } },
};

let language = kept.get("prill:language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");

export function addTexts(more) {
  for (const [name, texts] of Object.entries(more)) Object.assign(TEXTS[name], texts);
}

export const text = (name, ...parts) => TEXTS[language][name].replace(/\{(\d)\}/g, (_, number) => parts[number]);

export function translate(root = document) {
  for (const each of root.querySelectorAll("[data-text]")) each.textContent = text(each.dataset.text);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  const other = document.getElementById("language");
  other.textContent = language === "zh" ? "English" : "中文";
  other.lang = language === "zh" ? "en" : "zh";
  showScheme();
}

const isDark = () => (document.documentElement.dataset.scheme ??
  (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function showScheme() {
  const button = document.getElementById("scheme");
  button.textContent = text(button.dataset.text = isDark() ? "light" : "dark");
}

export function prepareLook(changed) {
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

export function duration(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return milliseconds < 60000 ? `${(milliseconds / 1000).toFixed(2)} s` : `${(milliseconds / 60000).toFixed(1)} min`;
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;
}
