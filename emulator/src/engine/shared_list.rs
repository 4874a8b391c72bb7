//! A list that is cloned at no cost: clones share what they have in common.
//!
//! A tree of nodes with 32 places each, as Clojure's vectors are. Adding at the
//! end and taking from the front copy the nodes on one path at most, and only
//! those that a clone still shares: neither depends on the length.

use std::sync::Arc;

/// Places in a node, and the bits of a place's number.
const WIDTH: usize = 1 << WIDTH_BITS;
const WIDTH_BITS: u32 = 5;

/// First in, first out, with any place readable.
#[derive(Debug, Clone)]
pub(crate) struct SharedList<T> {
    root: Option<Arc<Node<T>>>,
    /// How many levels of branches there are above the leaves.
    height: u32,
    /// The values between these numbers are there; numbers count from the last
    /// time the list was empty.
    first: usize,
    end: usize,
}

#[derive(Debug, Clone)]
enum Node<T> {
    Branch(Vec<Option<Arc<Self>>>),
    Leaf(Vec<Option<T>>),
}

impl<T> Node<T> {
    /// A leaf has room for all its places at once: what lists hold is large beside a
    /// place, and a leaf that grew would move them five times.
    fn empty(height: u32) -> Self {
        if height == 0 { Self::Leaf(Vec::with_capacity(WIDTH)) } else { Self::Branch(Vec::new()) }
    }
}

/// A number's place in a node that has so many levels below it.
fn place(number: usize, height: u32) -> usize {
    (number >> (WIDTH_BITS * height)) % WIDTH
}

impl<T> SharedList<T> {
    pub(crate) const fn new() -> Self {
        Self { root: None, height: 0, first: 0, end: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.end - self.first
    }

    /// The value at a position, counted from the front.
    pub(crate) fn get(&self, position: usize) -> Option<&T> {
        let number = self.first + position;
        if number >= self.end {
            return None;
        }
        let (mut node, mut height) = (self.root.as_ref()?, self.height);
        loop {
            match &**node {
                Node::Branch(children) => {
                    node = children.get(place(number, height))?.as_ref()?;
                    height -= 1;
                }
                Node::Leaf(values) => return values.get(place(number, 0))?.as_ref(),
            }
        }
    }

    /// The oldest value.
    pub(crate) fn front(&self) -> Option<&T> {
        self.get(0)
    }

    /// How many values a predicate holds for, which holds for all up to some
    /// position and for none after it.
    pub(crate) fn partition_point(&self, predicate: impl Fn(&T) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle) {
                Some(value) if predicate(value) => low = middle + 1,
                Some(_) | None => high = middle,
            }
        }
        low
    }
}

impl<T: Clone> SharedList<T> {
    /// Adds a value at the end.
    pub(crate) fn push_back(&mut self, value: T) {
        let mut height = self.height;
        let full = self.end == WIDTH.saturating_pow(height + 1);
        let mut node = match &mut self.root {
            Some(root) if full => {
                let below = Arc::clone(root);
                *root = Arc::new(Node::Branch(vec![Some(below)]));
                height += 1;
                self.height = height;
                root
            }
            Some(root) => root,
            none => none.insert(Arc::new(Node::empty(height))),
        };
        loop {
            match Arc::make_mut(node) {
                Node::Branch(children) => {
                    let at = place(self.end, height);
                    height -= 1;
                    if at == children.len() {
                        children.push(Some(Arc::new(Node::empty(height))));
                    }
                    node = children[at].as_mut().expect("a list grows at its end only");
                }
                Node::Leaf(values) => {
                    values.push(Some(value));
                    break;
                }
            }
        }
        self.end += 1;
    }

    /// Takes the oldest value, and gives the memory of emptied nodes back.
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let root = self.root.as_mut().filter(|_| self.first < self.end)?;
        let value = take(root, self.height, self.first);
        self.first += 1;
        if self.first == self.end {
            *self = Self::new();
        }
        value
    }
}

fn take<T: Clone>(node: &mut Arc<Node<T>>, height: u32, number: usize) -> Option<T> {
    match Arc::make_mut(node) {
        Node::Branch(children) => {
            let child = &mut children[place(number, height)];
            let value = take(child.as_mut()?, height - 1, number);
            if (number + 1).is_multiple_of(WIDTH.pow(height)) {
                *child = None;
            }
            value
        }
        Node::Leaf(values) => values[place(number, 0)].take(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    fn contents(list: &SharedList<u32>) -> Vec<u32> {
        (0..list.len()).map(|position| *list.get(position).expect("it is there")).collect()
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Push(u8),
        Pop(u8),
        Clone,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => any::<u8>().prop_map(Step::Push),
            2 => any::<u8>().prop_map(Step::Pop),
            1 => Just(Step::Clone),
        ]
    }

    proptest! {
        #[test]
        fn a_list_is_a_queue_and_its_clones_never_change(steps in prop::collection::vec(step(), 0..80)) {
            let (mut list, mut queue) = (SharedList::new(), VecDeque::new());
            let mut clones = Vec::new();
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Push(times) => for _ in 0..times {
                        list.push_back(next);
                        queue.push_back(next);
                        next += 1;
                    },
                    Step::Pop(times) => for _ in 0..times {
                        prop_assert_eq!(list.pop_front(), queue.pop_front());
                    },
                    Step::Clone => clones.push((list.clone(), queue.clone())),
                }
                prop_assert_eq!(list.front(), queue.front());
            }
            clones.push((list, queue));
            for (list, queue) in clones {
                prop_assert_eq!(contents(&list), Vec::from(queue.clone()));
                let bound = queue.front().copied().unwrap_or(0) + 100;
                prop_assert_eq!(
                    list.partition_point(|value| *value < bound),
                    queue.partition_point(|value| *value < bound)
                );
                prop_assert_eq!(list.get(list.len()), None);
            }
        }
    }

    #[test]
    fn what_is_taken_is_given_back() {
        let value = Arc::new(());
        let mut list = SharedList::new();
        for _ in 0..5000 {
            list.push_back(Arc::clone(&value));
        }
        for left in (0..5000).rev() {
            list.pop_front();
            assert_eq!(Arc::strong_count(&value), left + 1);
        }
        assert!(list.root.is_none());
    }
}
