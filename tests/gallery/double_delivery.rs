//! Double delivery on retry: an answer that comes too late is no proof that nothing was done.
use crate::{Bug, is_right};
use dormouse::prelude::*;
use dormouse::sim::FailureKind;
use std::collections::BTreeSet;

const LIMIT: Duration = Duration::from_millis(10);

struct Order {
    number: u32,
    reply: Sender<()>,
}

async fn shop_buggy(orders: Receiver<Order>) -> Vec<u32> {
    let mut shipped = Vec::new();
    while let Some(order) = orders.recv().await {
        time::sleep(LIMIT).await; // packs it
        shipped.push(order.number);
        let _ = order.reply.try_send(());
    }
    shipped
}

async fn shop(orders: Receiver<Order>) -> Vec<u32> {
    let mut shipped = Vec::new();
    let mut known = BTreeSet::new();
    while let Some(order) = orders.recv().await {
        if known.insert(order.number) {
            time::sleep(LIMIT).await;
            shipped.push(order.number);
        }
        let _ = order.reply.try_send(()); // for the second time, if the first answer was lost
    }
    shipped
}

/// Orders, and orders again if there is no answer in time.
async fn order(shop: &Sender<Order>, number: u32) {
    for _attempt in 0..3 {
        let (reply, answer) = bounded(1);
        let ordered = async {
            shop.send(Order { number, reply }).await.unwrap();
            answer.recv().await
        };
        if let Ok(Some(())) = time::timeout(LIMIT, ordered).await {
            return;
        }
    }
}

async fn one_order<F>(shop: impl Fn(Receiver<Order>) -> F)
where
    F: Future<Output = Vec<u32>> + Send + 'static,
{
    let (orders, incoming) = bounded(5);
    let shop = spawn(shop(incoming));
    order(&orders, 7).await;
    drop(orders);
    assert_eq!(shop.await.unwrap(), [7], "the orders shipped");
}

#[test]
fn is_found() {
    let bug = Bug {
        file: "double_delivery.rs",
        seeds: 30,
        kind: FailureKind::Main,
        says: &["main panicked: assertion `left == right` failed: the orders shipped\n  left: [7, 7"],
    };
    bug.is_found(|| one_order(shop_buggy));
}

#[test]
fn repaired() {
    is_right(|| one_order(shop));
}
