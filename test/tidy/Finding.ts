/** One broken rule: where, which, and what to do instead. */
export interface Finding {
  readonly rule: string
  readonly path: string
  readonly line: number
  readonly message: string
}

/** A tracked file as the guards see it. `path` is relative to the root, with `/`. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

export const show = (finding: Finding): string => `${finding.path}:${finding.line} [${finding.rule}] ${finding.message}`

/** `packages/net/src/Dialer.ts` → `net`; undefined outside the rooms. */
export const roomOf = (path: string): string | undefined => /^packages\/([^/]+)\//.exec(path)?.[1]

/** Code that ships: what the rules of the rooms are about. */
export const isShipped = (path: string): boolean => /^packages\/[^/]+\/(src|bin)\/.*\.(ts|tsx|mjs|js)$/.test(path)

/** A port's suite: tests that every adapter of the port runs, exported beside the port. */
export const isSuite = (path: string): boolean => /^packages\/[^/]+\/src\/testing\//.test(path)
