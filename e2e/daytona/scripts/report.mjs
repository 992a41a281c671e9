// Runs named checks one after the other and reports each as one line of JSON,
// which the Go test turns into a subtest.

/**
 * @param {Record<string, () => Promise<void>>} checks
 * @returns {Promise<void>}
 */
export async function report(checks) {
  for (const [name, check] of Object.entries(checks)) {
    const began = Date.now();
    let fault = "";
    try {
      await check();
    } catch (e) {
      fault = e instanceof Error ? `${e.name}: ${e.message}\n${e.stack}` : String(e);
    }
    process.stdout.write(`${JSON.stringify({ name, fault, ms: Date.now() - began })}\n`);
  }
}

/**
 * @param {Promise<unknown>} promise
 * @returns {Promise<any>} what it was rejected with
 */
export async function rejection(promise) {
  try {
    await promise;
  } catch (e) {
    return e;
  }
  throw new Error("nothing was thrown");
}
