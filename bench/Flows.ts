/** The flows of the workloads. */

/** Steps of one chain of W1 and W4. */
export const chainLength = 5

/** An output of about 200 bytes. */
export const payload = "x".repeat(200)

const chain = (name: string, node: string): string =>
  [
    `name: ${name}`,
    "nodes:",
    ...Array.from({ length: chainLength }, (_, index) =>
      `  s${index}: { ${node}${index === 0 ? "" : `, needs: [s${index - 1}]`} }`)
  ].join("\n") + "\n"

/** W1: steps that do nothing and say about 200 bytes. */
export const idleChain = chain("bench-chain", "value: \"${ input.payload }\"")

/** W2: one map over the input's items, and a step that waits for all of them. */
export const fanOut = `name: bench-fan-out
limits: { steps: 20000, parallel: 100 }
nodes:
  each:
    map: "\${ input.items }"
    parallel: 100
    each: { type: transform, value: "\${ item }" }
  join: { needs: [each], value: "\${ nodes.each.output.succeeded }" }
`

/** W3: one step. */
export const single = `name: bench-single
nodes:
  only: { value: "\${ input.payload }" }
`

/** W4: steps of 50 ms that leave a line in a log when they begin and when they end. */
export const slowChain = chain("bench-slow", "function: linger, input: { run: \"${ input.run }\" }")
