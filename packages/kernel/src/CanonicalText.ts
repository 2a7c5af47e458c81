/**
 * One text for one JSON value: members in the order of their UTF-16 names, no white space, numbers and strings as
 * `JSON.stringify` writes them (RFC 8785). Members whose value is `undefined` are left out. Expects JSON: depth and odd
 * strings are refused where documents come in.
 */
export const text = (json: unknown): string => {
  if (json === null || typeof json !== "object") return JSON.stringify(json) ?? "null"
  if (Array.isArray(json)) return `[${json.map(text).join(",")}]`
  const members = Object.entries(json)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${text(value)}`).join(",")}}`
}
