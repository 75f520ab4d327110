//! Staging a plan, a few pages at a time: each has to get to the database, be read there and be written down for good,
//! and the next need not wait for that.

use futures_util::{StreamExt, TryStreamExt, stream::FuturesUnordered};
use store::{StagedPage, StoreError};
use tokio::sync::mpsc;

/// Pages under way to the database.
const AT_A_TIME: usize = 3;

/// Has every page written that comes, in no order but this: a page that takes changes back comes after all before it, and
/// before all after it.
pub(crate) async fn stage<W>(
    mut pages: mpsc::Receiver<StagedPage>,
    write: impl Fn(StagedPage) -> W,
) -> Result<(), StoreError>
where
    W: Future<Output = Result<(), StoreError>>,
{
    let mut under_way = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(written) = under_way.next() => written?,
            page = pages.recv(), if under_way.len() < AT_A_TIME => match page {
                Some(page) if page.retracted.is_empty() => under_way.push(write(page)),
                Some(page) => {
                    while under_way.try_next().await?.is_some() {}
                    write(page).await?;
                }
                None => break,
            },
        }
    }
    under_way.try_collect().await
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::task::yield_now;

    use super::*;

    fn page(retracted: &[u32]) -> StagedPage {
        StagedPage { retracted: retracted.to_vec(), changes: Vec::new() }
    }

    /// Which pages began and ended, by their number.
    async fn staged(pages: Vec<StagedPage>, fail: Option<usize>) -> (Vec<String>, Result<(), StoreError>) {
        let (to_stage, planned) = mpsc::channel(pages.len());
        for page in pages {
            to_stage.send(page).await.unwrap();
        }
        drop(to_stage);
        let (said, number) = (RefCell::new(Vec::new()), RefCell::new(0));
        let write = async || {
            let number = number.replace_with(|number| *number + 1);
            said.borrow_mut().push(format!("{number} begins"));
            yield_now().await;
            if fail == Some(number) {
                return Err(StoreError::LeaseLost);
            }
            said.borrow_mut().push(format!("{number} ends"));
            Ok(())
        };
        let done = stage(planned, |_| write()).await;
        (said.into_inner(), done)
    }

    #[tokio::test]
    async fn pages_are_written_a_few_at_a_time() {
        let (said, done) = staged((0..9).map(|_| page(&[])).collect(), None).await;
        done.unwrap();
        let mut under_way = 0_usize;
        let mut most = 0;
        for word in &said {
            under_way = if word.ends_with("begins") { under_way + 1 } else { under_way - 1 };
            most = most.max(under_way);
        }
        assert_eq!((said.len(), under_way, most), (18, 0, AT_A_TIME), "{said:?}");
    }

    #[tokio::test]
    async fn a_page_that_takes_back_is_written_alone() {
        let pages = vec![page(&[]), page(&[]), page(&[1]), page(&[2]), page(&[]), page(&[])];
        let (said, done) = staged(pages, None).await;
        done.unwrap();
        let at = |word: &str| said.iter().position(|said| said == word).unwrap();
        assert!(at("1 begins") < at("0 ends"), "{said:?}");
        let alone = ["2 begins", "2 ends", "3 begins", "3 ends"];
        assert_eq!(said[4..8], alone, "{said:?}");
        assert!(said[8..].iter().all(|word| word.starts_with(['4', '5'])), "{said:?}");
    }

    #[tokio::test]
    async fn what_cannot_be_written_ends_it() {
        for fail in 0..4 {
            let (_, done) = staged(vec![page(&[]), page(&[]), page(&[1]), page(&[])], Some(fail)).await;
            assert!(matches!(done, Err(StoreError::LeaseLost)), "{fail}: {done:?}");
        }
    }
}
