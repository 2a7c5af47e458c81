/** One deliberate break of the product: a small edit of one file, and the tests that are meant to notice. */

export type Promise_ =
  | "K1"
  | "K2"
  | "K3"
  | "K4"
  | "K5"
  | "K6"
  | "K7"
  | "K8"
  | "K9"
  | "K10"
  | "K11"
  | "K12"
  | "K13"

interface Edit {
  /** Text that the file holds exactly once. */
  readonly find: string
  readonly replace: string
}

export interface Mutation extends Edit {
  /** The promise that the edit breaks. */
  readonly promise: Promise_
  /** What is wrong afterwards. */
  readonly breaks: string
  /** From the root of the repository. */
  readonly file: string
  /** A second edit of the same file, where one guard stands behind another. */
  readonly also?: Edit
  /** The narrowest test that must fail: a file and, where it holds more, a part of the test's name. */
  readonly test: readonly [file: string, name?: string]
  /** What the failing test must say: a test of everything at once may fail for another reason. */
  readonly says?: string
}

const edits = (mutation: Mutation): ReadonlyArray<Edit> =>
  mutation.also === undefined ? [mutation] : [mutation, mutation.also]

/** Whether the source holds each text that is to be replaced exactly once. */
export const applies = (mutation: Mutation, source: string): boolean =>
  edits(mutation).every(({ find }) => source.split(find).length === 2)

export const apply = (mutation: Mutation, source: string): string =>
  edits(mutation).reduce((text, { find, replace }) => text.replace(find, () => replace), source)
