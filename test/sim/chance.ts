export { Chance } from "../../src/base/chance.js";
