// @ts-check
/** What every page needs; pages add modules of their own. */

import "./menus.js";
import "./live.js";
import "./actions.js";
import "./fields.js";
import "./toast.js";
