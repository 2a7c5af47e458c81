interface Packing {
  readonly item: string
  readonly size: string
}

export const pack = ({ item, size }: Packing) => {
  if (size === "S") throw new Error("boxes of size S are sold out")
  return { parcel: `${item} in a box of size ${size}` }
}

/** The courier takes the parcel and hangs up: nobody knows whether it is on its way. */
export const ship = () => {
  throw new Error("the line went dead")
}
