export const check = () => {
  throw new Error("the address has no street")
}
