// The words of the playground.
import { makeTexts } from "./look.js";

export { duration, kept, size } from "./look.js";

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

export const { text, translate, prepareLook } = makeTexts(TEXTS);
