/** What is asked about patches on the command line. */

export interface RunsPatch {
  readonly _tag: "RunsPatch"
  readonly run: string
  /** A file with the operations, or `-`. */
  readonly file: string
  readonly base: number | undefined
  readonly reason: string | undefined
  readonly dryRun: boolean
}

export interface RunsGraph {
  readonly _tag: "RunsGraph"
  readonly run: string
}

export interface PatchesList {
  readonly _tag: "PatchesList"
  readonly run: string | undefined
}

interface OfPatch {
  /** An id, a unique beginning of one, or the number in the run. */
  readonly patch: string
  readonly run: string | undefined
}

export interface PatchesShow extends OfPatch {
  readonly _tag: "PatchesShow"
}

export interface PatchesDiff extends OfPatch {
  readonly _tag: "PatchesDiff"
}

export interface PatchesDecide extends OfPatch {
  readonly _tag: "PatchesDecide"
  readonly action: "approve" | "reject"
  readonly comment: string | undefined
  readonly by: string | undefined
  readonly group: ReadonlyArray<string>
}

export interface PatchesRevert extends OfPatch {
  readonly _tag: "PatchesRevert"
  readonly reason: string | undefined
}

export type PatchRequest =
  | RunsPatch
  | RunsGraph
  | PatchesList
  | PatchesShow
  | PatchesDiff
  | PatchesDecide
  | PatchesRevert
