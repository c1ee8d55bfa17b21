// The words of the page.
import { makeTexts } from "./look.js";

export { duration, kept } from "./look.js";

const TEXTS = {
  en: {
    traces: "Traces", refresh: "Refresh", dark: "Dark", light: "Light", runs: "Runs", filters: "More filters",
    text: "Search in inputs, outputs and errors", name: "Name", status: "Status", model: "Model", tag: "Tag",
    since: "Since", before: "Before", clear: "Clear", cancel: "Cancel", more: "Show more", any: "any",
    choose: "Choose a run to see its steps.", back: "← All runs", none: "No run meets these filters.",
    ok: "ok", error: "error", cancelled: "cancelled", running: "running", interrupted: "interrupted",
    loading: "Loading …", unreachable: "The server cannot be reached. Is prill traces still running?",
    input: "Input", output: "Output", messages: "Messages", request: "Request", metadata: "Metadata",
    failure: "Error", kind: "Kind", started: "Started", duration: "Duration", first: "First chunk",
    chunks: "Chunks", tokens: "Tokens", tokensOf: "{0} → {1} tokens", cost: "Cost", tags: "Tags", id: "Id",
    steps: "{0} steps", oneStep: "1 step", showAll: "Show all {0} characters", showRest: "Show {0} more steps",
    cut: "{0} characters in all; here is the start.", compare: "Compare", replay: "Ask again", raw: "As JSON",
    readable: "Readable", comparing: "Choose the run to compare with {0}.", comparison: "Comparison",
    skipped: "{0} equal lines", equal: "No difference.", left: "Left", right: "Right",
    send: "Send", sending: "Asking the model …", otherModel: "Another model (provider:name)",
    goesTo: "Goes to {0}. The key is that of the environment in which prill traces runs.",
    replayed: "Asked again", original: "The original run", compareOriginal: "Compare with the original",
    recorded: "The value had {0} characters; only its start was recorded.", nothing: "Nothing.", waiting: "waiting for the first chunk", notJSON: "This is not JSON.",
    firstSteps: "The first {0} steps are shown.", provider: "the provider", calls: "calls {0}",
  },
  zh: {
    traces: "运行记录", refresh: "刷新", dark: "深色", light: "浅色", runs: "运行", filters: "更多筛选",
    text: "搜索输入、输出和错误", name: "名称", status: "状态", model: "模型", tag: "标签",
    since: "开始于", before: "早于", clear: "清空", cancel: "取消", more: "显示更多", any: "不限",
    choose: "选择一次运行，查看它的步骤。", back: "← 所有运行", none: "没有符合条件的运行。",
    ok: "成功", error: "出错", cancelled: "已取消", running: "运行中", interrupted: "已中断",
    loading: "正在加载……", unreachable: "无法连接服务器。prill traces 还在运行吗？",
    input: "输入", output: "输出", messages: "消息", request: "请求", metadata: "元数据",
    failure: "错误", kind: "类型", started: "开始时间", duration: "用时", first: "首块用时",
    chunks: "块数", tokens: "token", tokensOf: "{0} → {1} token", cost: "费用", tags: "标签", id: "编号",
    steps: "{0} 个步骤", oneStep: "1 个步骤", showAll: "显示全部 {0} 个字符", showRest: "再显示 {0} 个步骤",
    cut: "共 {0} 个字符，这里是开头。", compare: "比较", replay: "重新提问", raw: "显示 JSON",
    readable: "易读形式", comparing: "请选择要与 {0} 比较的运行。", comparison: "比较",
    skipped: "{0} 行相同", equal: "没有差别。", left: "左", right: "右",
    send: "发送", sending: "正在询问模型……", otherModel: "其他模型（供应商:名称）",
    goesTo: "发送到 {0}。密钥取自运行 prill traces 的环境。",
    replayed: "重新提问的结果", original: "原来的运行", compareOriginal: "与原来的运行比较",
    recorded: "这个值共有 {0} 个字符，只记录了开头。", nothing: "无。", waiting: "等待首块", notJSON: "这不是 JSON。",
    firstSteps: "只显示前 {0} 个步骤。", provider: "供应商", calls: "调用 {0}",
  },
};

const given = document.querySelector('meta[name="prill-language"]').content;

export const { text, translate, prepareLook } = makeTexts(TEXTS, TEXTS[given] ? given : "");
