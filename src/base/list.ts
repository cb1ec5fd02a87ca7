/** A doubly linked list whose nodes are the items: adding and removing allocate nothing. */
export class ListNode {
  previous: ListNode | undefined
  next: ListNode | undefined
}

export class List<T extends ListNode> {
  #first: T | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): T | undefined {
    return this.#first
  }

  add(node: T): void {
    this.#size++
    node.previous = undefined
    node.next = this.#first
    if (this.#first !== undefined) this.#first.previous = node
    this.#first = node
  }

  /** Only a node that is in this list. */
  remove(node: T): void {
    this.#size--
    if (node.previous === undefined) this.#first = node.next as T | undefined
    else node.previous.next = node.next
    if (node.next !== undefined) node.next.previous = node.previous
    node.previous = undefined
    node.next = undefined
  }
}
