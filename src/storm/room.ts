// What the command line gets of this room, loaded when it is asked for.
export { stormApart } from "./apart.js";
export { allHeld, reportJson, reportText } from "./report.js";
export { reportHtml } from "./report-html.js";
export { scenarios } from "./scenarios.js";
export { runStorm } from "./storm.js";
