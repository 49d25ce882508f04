// Requests to the server. Addresses are relative to the plugin's own, so that they work below any path prefix.

const BASE = new URL("./", import.meta.url);

/** The JSON that a route answers; throws an Error with the server's sentence. A list repeats its argument. */
export async function ask(route, args = {}, signal = undefined) {
  const url = new URL(route, BASE);
  for (const [key, value] of Object.entries(args)) {
    if (value === null || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(key, one);
  }
  let answer;
  try {
    answer = await fetch(url, { signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("TensorBoard does not answer. Is it still running?");
  }
  const content = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(content?.error ?? `TensorBoard answered ${answer.status} to ${route}.`);
  return content;
}
