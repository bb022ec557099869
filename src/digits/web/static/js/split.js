// @ts-check
/** How many pictures of a class go where: DIGITS' arithmetic, as the dataset builder does it. */

/** Pictures of a class that count. @param {number} count @param {number} least @param {number} most @param {number} pctVal @param {number} pctTest */
export function usable(count, least, most, pctVal, pctTest) {
  const sets = Number(pctVal + pctTest < 100) + Number(pctVal > 0) + Number(pctTest > 0);
  return count < Math.max(least, sets) ? 0 : Math.min(count, most);
}

/**
 * Training, validation and test pictures of a class. Shares round half away from zero; the last set asked for takes the rest.
 * @param {number} count
 * @param {number} pctVal
 * @param {number} pctTest
 * @returns {[number, number, number]}
 */
export function splitCounts(count, pctVal, pctTest) {
  const share = (/** @type {number} */ percent) => Math.floor((count * percent) / 100 + 0.5);
  const train = share(100 - pctVal - pctTest);
  const val = pctTest > 0 ? Math.min(share(pctVal), count - train) : count - train;
  const counts = /** @type {[number, number, number]} */ ([train, val, count - train - val]);
  const wanted = [100 - pctVal - pctTest, pctVal, pctTest].map((percent) => percent > 1e-9);
  if (count >= wanted.filter(Boolean).length) {
    wanted.forEach((isWanted, index) => {
      if (isWanted && !counts[index]) {
        counts[counts.indexOf(Math.max(...counts))] -= 1;
        counts[index] = 1;
      }
    });
  }
  return counts;
}
