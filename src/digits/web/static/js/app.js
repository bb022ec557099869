// @ts-check
/** What every page needs; pages add modules of their own. */

import "./menus.js";
import "./live.js";
import "./actions.js";
import "./fields.js";
import "./toast.js";

// On a small screen work comes first, and facts are folded.
if (matchMedia("(width <= 600px)").matches) document.getElementById("side-fold")?.removeAttribute("open");
